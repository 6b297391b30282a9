#include "pipelines/streams/policy.hpp"

#include <algorithm>
#include <array>

namespace parley::streams {

Result<Policy> Policy::parse(const std::vector<std::string>& rules) {
  static const std::array kSchemes = {to_string(Kind::icecast), to_string(Kind::rtmp), to_string(Kind::rtmps),
                                      to_string(Kind::srt), to_string(Kind::rtp)};
  Policy policy;
  for (const auto& text : rules) {
    if (text == "hls:") {
      policy.hls_ = true;
    } else if (text == "file:") {
      policy.file_ = true;
    } else if (const auto rule = HostRule::parse(text, kSchemes)) {
      policy.rules_.push_back(*rule);
    } else {
      return Error{"\"" + text +
                   "\" is no rule: expected SCHEME://HOST[:PORT[-PORT]] with a HOST of *, *.example.org, "
                   "live.example.org or 10.1.0.0/16, or hls: or file:"};
    }
  }
  return policy;
}

Status Policy::check(const Target& target) const {
  const auto literal = IpAddress::parse(target.host);
  if (literal) return check(target, *literal);
  const bool covered = target.kind == Kind::hls ? hls_
                       : target.kind == Kind::file
                           ? file_
                           : std::any_of(rules_.begin(), rules_.end(), [&](const HostRule& rule) {
                               return rule.covers(to_string(target.kind), target.host, target.port);
                             });
  if (covered) return Done{};
  return Error{redacted(target) + " is not allowed by streaming.allow"};
}

Status Policy::check(const Target& target, const IpAddress& address) const {
  if (std::any_of(rules_.begin(), rules_.end(), [&](const HostRule& rule) {
        return rule.covers(to_string(target.kind), target.host, target.port, address);
      }))
    return Done{};
  return Error{redacted(target) + " leads to " + address.to_string() +
               ", which is not allowed by streaming.allow"};
}

}  // namespace parley::streams
