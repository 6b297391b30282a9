// The few fields of IPv4, UDP and TCP that a NAT looks at and rewrites, on packets as a TUN device gives
// them.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace parley::nat {

struct Endpoint {
  std::uint32_t ip = 0;  // host order
  std::uint16_t port = 0;
  friend auto operator<=>(const Endpoint&, const Endpoint&) = default;
};

using Packet = std::vector<std::uint8_t>;

struct Header {
  std::uint8_t protocol = 0;  // 6 or 17
  Endpoint source, destination;
};

// Nothing for what is neither UDP nor TCP over IPv4, and for fragments.
std::optional<Header> read_header(const Packet& packet);
// Rewrites both endpoints and the checksums. Only for packets that read_header() has understood.
void write_endpoints(Packet& packet, const Endpoint& source, const Endpoint& destination);

}  // namespace parley::nat
