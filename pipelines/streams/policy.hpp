// Where streams may go (the key streaming.allow): what keeps whoever may start a stream from aiming the
// server at its own network. Pure.
//
// Its rules are HostRules, or `hls:`, `file:`, which need no host. What no rule allows is refused.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "pipelines/streams/host_rules.hpp"
#include "pipelines/streams/target.hpp"
#include "transport/base/address.hpp"

namespace parley::streams {

class Policy {
 public:
  // The error names the rule.
  static Result<Policy> parse(const std::vector<std::string>& rules);

  Status check(const Target& target) const;
  Status check(const Target& target, const IpAddress& address) const;

 private:
  std::vector<HostRule> rules_;
  bool hls_ = false, file_ = false;
};

}  // namespace parley::streams
