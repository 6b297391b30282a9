#include "transport/rtp/ssrc_policy.hpp"

namespace parley::rtp {

bool SsrcPolicy::admit(TimePoint at, std::uint32_t ssrc) {
  if (current_ == ssrc) return true;
  if (previous_ == ssrc && at - changed_ < 1s) return false;
  TimePoint& oldest = tried_[tries_ % tried_.size()];
  if (tries_ >= tried_.size() && at - oldest < 1s) return false;
  oldest = at;
  ++tries_;
  return true;
}

std::optional<std::uint32_t> SsrcPolicy::accept(TimePoint at, std::uint32_t ssrc) {
  if (current_ == ssrc) return std::nullopt;
  previous_ = current_;
  current_ = ssrc;
  changed_ = at;
  return previous_;
}

}  // namespace parley::rtp
