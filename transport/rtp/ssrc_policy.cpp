#include "transport/rtp/ssrc_policy.hpp"

namespace parley::rtp {

bool SsrcPolicy::admit(TimePoint at, std::uint32_t ssrc) const {
  if (!current_ || current_ == ssrc || changes_ == 0) return true;
  const TimePoint last = changed_[(changes_ - 1) % kChangesPerSecond];
  if (previous_ == ssrc && at - last < 1s) return false;
  const TimePoint oldest = changed_[changes_ % kChangesPerSecond];
  return changes_ < kChangesPerSecond || at - oldest >= 1s;
}

std::optional<std::uint32_t> SsrcPolicy::accept(TimePoint at, std::uint32_t ssrc) {
  if (current_ == ssrc) return std::nullopt;
  previous_ = current_;
  current_ = ssrc;
  if (!previous_) return std::nullopt;  // the first one is no change
  changed_[changes_++ % kChangesPerSecond] = at;
  return previous_;
}

}  // namespace parley::rtp
