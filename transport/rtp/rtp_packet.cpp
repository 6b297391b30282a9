#include "transport/rtp/rtp_packet.hpp"

#include "transport/base/check.hpp"

namespace parley::rtp {
namespace {

constexpr unsigned kVersion = 2;

}  // namespace

std::optional<RtpPacket> parse_rtp(Bytes datagram) {
  ByteReader reader(datagram);
  const std::uint8_t first = reader.u8();
  const std::uint8_t second = reader.u8();
  if (first >> 6 != kVersion) return std::nullopt;
  const bool padded = (first & 0x20) != 0;
  const bool extended = (first & 0x10) != 0;

  RtpPacket packet;
  packet.header.csrc_count = first & 0x0f;
  packet.header.marker = (second & 0x80) != 0;
  packet.header.payload_type = second & 0x7f;
  packet.header.sequence = reader.u16();
  packet.header.timestamp = reader.u32();
  packet.header.ssrc = reader.u32();
  for (std::size_t i = 0; i < packet.header.csrc_count; ++i) packet.header.csrc[i] = reader.u32();
  if (extended) {
    packet.extension_profile = reader.u16();
    packet.extension = reader.take(std::size_t{4} * reader.u16());
  }
  packet.payload = reader.rest();
  if (!reader.ok()) return std::nullopt;

  if (padded) {
    // The count includes itself, so it is at least one, and it must not reach into the header.
    const std::size_t padding = packet.payload.empty() ? 0 : packet.payload.back();
    if (padding == 0 || padding > packet.payload.size()) return std::nullopt;
    packet.payload = packet.payload.first(packet.payload.size() - padding);
  }
  return packet;
}

std::size_t write_rtp(std::span<std::uint8_t> out, const RtpHeader& header, Bytes extension_block,
                      Bytes payload) {
  PARLEY_ASSERT(header.csrc_count <= kMaxCsrcs);
  PARLEY_ASSERT(header.payload_type < 128);
  PARLEY_ASSERT(extension_block.size() % 4 == 0);
  ByteWriter writer(out);
  const unsigned extended = extension_block.empty() ? 0 : 0x10;
  writer.u8(static_cast<std::uint8_t>((kVersion << 6) | extended | header.csrc_count));
  writer.u8(static_cast<std::uint8_t>((header.marker ? 0x80 : 0) | header.payload_type));
  writer.u16(header.sequence);
  writer.u32(header.timestamp);
  writer.u32(header.ssrc);
  for (std::size_t i = 0; i < header.csrc_count; ++i) writer.u32(header.csrc[i]);
  writer.bytes(extension_block);
  writer.bytes(payload);
  return writer.ok() ? writer.size() : 0;
}

}  // namespace parley::rtp
