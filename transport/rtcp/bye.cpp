#include "transport/rtcp/bye.hpp"

namespace parley::rtcp {
namespace {

constexpr std::size_t kMaxReason = 255;

}  // namespace

bool Bye::names(std::uint32_t ssrc) const {
  ByteReader reader(sources);
  while (reader.remaining() > 0) {
    if (reader.u32() == ssrc) return true;
  }
  return false;
}

std::optional<Bye> parse_bye(const RtcpPacket& packet) {
  if (!packet.is(PacketType::goodbye)) return std::nullopt;
  ByteReader reader(packet.body);
  Bye bye;
  bye.sources = reader.take(std::size_t{4} * packet.count);
  if (reader.remaining() > 0) bye.reason = as_text(reader.take(reader.u8()));
  if (!reader.ok()) return std::nullopt;
  return bye;
}

void write_bye(ByteWriter& out, std::uint32_t ssrc, std::string_view reason) {
  const std::string_view text = reason.substr(0, kMaxReason);
  const std::size_t unpadded = 4 + (text.empty() ? 0 : 1 + text.size());
  const std::size_t padding = (4 - unpadded % 4) % 4;
  write_packet_header(out, 1, PacketType::goodbye, unpadded + padding);
  out.u32(ssrc);
  if (text.empty()) return;
  out.u8(static_cast<std::uint8_t>(text.size()));
  out.bytes(as_bytes(text));
  out.zeros(padding);
}

}  // namespace parley::rtcp
