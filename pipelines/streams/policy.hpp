// Where streams may go (the key streaming.allow): what keeps whoever may start a stream from aiming the
// server at its own network. Pure.
//
// A rule is SCHEME://HOST[:PORT[-PORT]], where HOST is
//   *                 any host, if its address is a public one
//   *.example.org     any host below example.org, if its address is a public one
//   live.example.org  this host, wherever its name leads: the operator vouches for it
//   10.1.0.0/16       addresses of this network, private or not ([2001:db8::]/32 for IPv6)
// or `hls:`, `file:`, which need no host. What no rule allows is refused. A target is checked twice: before
// its name is looked up, and with each address the name has led to; the stream goes to the address that was
// checked, so that a name that changes in between gains nothing.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

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
  struct Rule {
    Kind kind = Kind::icecast;
    bool any = false;      // "*"
    bool subtree = false;  // `name` is ".example.org"
    std::string name;      // lower case; empty: by network
    std::optional<IpNetwork> network;
    std::uint16_t first_port = 1, last_port = 65'535;
    bool covers(const Target& target) const;
    bool covers(const Target& target, const IpAddress& address) const;
  };
  static std::optional<Rule> parse_rule(std::string_view text);

  std::vector<Rule> rules_;
};

// Globally reachable unicast (the special-purpose registries of RFC 6890 left out).
bool is_public(const IpAddress& address);

}  // namespace parley::streams
