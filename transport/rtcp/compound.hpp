// RTCP compound packets (RFC 3550 section 6.1, appendix A.2): strict iteration.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "transport/base/bytes.hpp"

namespace parley::rtcp {

enum class PacketType : std::uint8_t {
  sender_report = 200,
  receiver_report = 201,
  source_description = 202,
  goodbye = 203,
};

// One packet of a compound, a view into the datagram.
struct RtcpPacket {
  std::uint8_t count = 0;  // RC, SC or feedback format: the low five bits of the first byte
  std::uint8_t type = 0;   // compare with is(); types we do not know are skipped by the caller
  Bytes body;              // behind the four-byte header, padding taken off

  bool is(PacketType wanted) const { return type == static_cast<std::uint8_t>(wanted); }
};

// A datagram whose packets all fit: lengths add up to the datagram exactly, version 2, padding only in the
// last packet. Checked as a whole before the first packet is handed out, so that nobody acts on the first
// half of a malformed compound.
class Compound {
 public:
  // Reduced-size compounds (RFC 5506: the first packet is no report) are taken too: a lone BYE ends a call.
  static std::optional<Compound> parse(Bytes datagram);

  std::optional<RtcpPacket> next();

 private:
  explicit Compound(Bytes datagram) : rest_(datagram) {}
  Bytes rest_;
};

// The first four bytes of a packet whose body has `body_size` bytes (a multiple of four).
void write_packet_header(ByteWriter& out, std::uint8_t count, PacketType type, std::size_t body_size);

}  // namespace parley::rtcp
