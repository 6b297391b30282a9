// A rule of a list that says whom the server may connect to (streaming.allow, webhooks.allow). Pure.
//
// A rule is SCHEME://HOST[:PORT[-PORT]], where HOST is
//   *                 any host, if its address is a public one
//   *.example.org     any host below example.org, if its address is a public one
//   live.example.org  this host, wherever its name leads: the operator vouches for it
//   10.1.0.0/16       addresses of this network, private or not ([2001:db8::]/32 for IPv6)
// A destination is checked twice: before its name is looked up, and with each address the name has led to;
// the connection is made to the address that was checked, so that a name that changes in between gains
// nothing.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "transport/base/address.hpp"

namespace parley::streams {

class HostRule {
 public:
  static std::optional<HostRule> parse(std::string_view text, std::span<const std::string_view> schemes);

  bool covers(std::string_view scheme, std::string_view host, std::uint16_t port) const;
  bool covers(std::string_view scheme, std::string_view host, std::uint16_t port,
              const IpAddress& address) const;

 private:
  std::string scheme_;
  bool any_ = false;      // "*"
  bool subtree_ = false;  // `name_` is ".example.org"
  std::string name_;      // lower case; empty: by network
  std::optional<IpNetwork> network_;
  std::uint16_t first_port_ = 1, last_port_ = 65'535;
};

// Globally reachable unicast (the special-purpose registries of RFC 6890 left out).
bool is_public(const IpAddress& address);

}  // namespace parley::streams
