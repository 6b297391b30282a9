// What kind of NAT is between us and the world, and what that means for direct calls. For `parley doctor`.
// The questions are RFC 5780's, put to the server's media port and its second one. That has the same IP
// address, so full cone and address-restricted NATs look alike: for direct calls they are.
#pragma once

#include <optional>
#include <string>

#include "transport/base/address.hpp"
#include "transport/base/result.hpp"
#include "transport/base/time.hpp"
#include "transport/ice/port_prober.hpp"

namespace parley::client {

struct NatFacts {
  enum class Filter : std::uint8_t { unknown, none_by_port, by_port };

  bool is_nat = false;            // we are seen under another address than our own
  std::optional<Address> second;  // the server's second port, if it names one
  ice::PortMapping mapping = ice::PortMapping::unknown;
  int port_step = 0;                // varying: from the first destination's port to the second's
  Filter filter = Filter::unknown;  // whether answers get in from a port that we have not spoken to
};

// Blocks for up to three seconds. Error: no answer at all.
Result<NatFacts> find_nat(const Address& server);

struct NatWords {
  std::string kind;      // "port-restricted NAT"
  std::string prospect;  // with whom direct calls will work
  bool known = false;    // false: not all could be told, and `kind` says why
};
NatWords describe(const NatFacts& facts);

}  // namespace parley::client
