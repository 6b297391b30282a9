#include "tests/nat/ipv4.hpp"

#include <algorithm>
#include <cstddef>
#include <span>

namespace parley::nat {

namespace {

constexpr std::uint8_t kTcp = 6, kUdp = 17;

std::uint16_t get16(const Packet& packet, std::size_t at) {
  return static_cast<std::uint16_t>(packet[at] << 8 | packet[at + 1]);
}
std::uint32_t get32(const Packet& packet, std::size_t at) {
  return std::uint32_t{get16(packet, at)} << 16 | get16(packet, at + 2);
}
void put16(Packet& packet, std::size_t at, std::uint32_t value) {
  packet[at] = static_cast<std::uint8_t>(value >> 8);
  packet[at + 1] = static_cast<std::uint8_t>(value);
}
void put32(Packet& packet, std::size_t at, std::uint32_t value) {
  put16(packet, at, value >> 16);
  put16(packet, at + 2, value);
}

// RFC 1071.
std::uint32_t add_words(std::span<const std::uint8_t> bytes, std::uint32_t sum) {
  for (std::size_t i = 0; i < bytes.size(); i += 2)
    sum += static_cast<std::uint32_t>(bytes[i] << 8 | (i + 1 < bytes.size() ? bytes[i + 1] : 0));
  return sum;
}
std::uint16_t finish(std::uint32_t sum) {
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

std::size_t header_size(const Packet& packet) {
  return std::size_t{packet[0] & 0x0fU} * 4;
}

}  // namespace

std::optional<Header> read_header(const Packet& packet) {
  if (packet.size() < 20 || packet[0] >> 4 != 4) return std::nullopt;
  const std::size_t at = header_size(packet);
  const std::uint8_t protocol = packet[9];
  const bool fragment = (get16(packet, 6) & 0x3fff) != 0;
  const std::size_t least = protocol == kUdp ? 8 : 20;
  if (at < 20 || packet.size() < at + least || fragment || (protocol != kUdp && protocol != kTcp))
    return std::nullopt;
  return Header{protocol, {get32(packet, 12), get16(packet, at)}, {get32(packet, 16), get16(packet, at + 2)}};
}

void write_endpoints(Packet& packet, const Endpoint& source, const Endpoint& destination) {
  const std::size_t at = header_size(packet);
  const bool udp = packet[9] == kUdp;
  put32(packet, 12, source.ip);
  put32(packet, 16, destination.ip);
  put16(packet, at, source.port);
  put16(packet, at + 2, destination.port);
  put16(packet, 10, 0);
  put16(packet, 10, finish(add_words(std::span(packet).first(at), 0)));

  const std::size_t checksum = at + (udp ? 6U : 16U);
  put16(packet, checksum, 0);
  const auto pseudo = static_cast<std::uint32_t>(packet[9] + packet.size() - at);
  const auto sum = add_words(std::span(packet).subspan(12, 8), pseudo);
  const std::uint16_t value = finish(add_words(std::span(packet).subspan(at), sum));
  put16(packet, checksum, udp && value == 0 ? 0xffffU : value);
}

}  // namespace parley::nat
