#include "transport/rtcp/compound.hpp"

#include "transport/base/check.hpp"

namespace parley::rtcp {
namespace {

constexpr std::size_t kHeaderSize = 4;
constexpr unsigned kVersion = 2;
constexpr std::uint8_t kFirstType = 192;  // RFC 5761 section 4 keeps these apart from RTP
constexpr std::uint8_t kLastType = 223;

struct Split {
  RtcpPacket packet;
  Bytes rest;
};

std::optional<Split> split_first(Bytes data) {
  ByteReader reader(data);
  const std::uint8_t first = reader.u8();
  Split split;
  split.packet.count = first & 0x1f;
  split.packet.type = reader.u8();
  split.packet.body = reader.take(std::size_t{4} * reader.u16());
  split.rest = reader.rest();
  if (!reader.ok() || first >> 6 != kVersion) return std::nullopt;
  if (split.packet.type < kFirstType || split.packet.type > kLastType) return std::nullopt;
  if ((first & 0x20) == 0) return split;

  // Padding: only in the last packet, whole words, and its count includes itself.
  Bytes& body = split.packet.body;
  if (!split.rest.empty() || body.empty()) return std::nullopt;
  const std::size_t padding = body.back();
  if (padding == 0 || padding % 4 != 0 || padding > body.size()) return std::nullopt;
  body = body.first(body.size() - padding);
  return split;
}

}  // namespace

std::optional<Compound> Compound::parse(Bytes datagram) {
  if (datagram.size() < kHeaderSize) return std::nullopt;
  for (Bytes rest = datagram; !rest.empty();) {
    const auto split = split_first(rest);
    if (!split) return std::nullopt;
    rest = split->rest;
  }
  return Compound(datagram);
}

std::optional<RtcpPacket> Compound::next() {
  if (rest_.empty()) return std::nullopt;
  const auto split = split_first(rest_);
  rest_ = split->rest;  // parse() has been all the way
  return split->packet;
}

void write_packet_header(ByteWriter& out, std::uint8_t count, PacketType type, std::size_t body_size) {
  PARLEY_ASSERT(count < 32 && body_size % 4 == 0);
  out.u8(static_cast<std::uint8_t>((kVersion << 6) | count));
  out.u8(static_cast<std::uint8_t>(type));
  out.u16(static_cast<std::uint16_t>(body_size / 4));
}

}  // namespace parley::rtcp
