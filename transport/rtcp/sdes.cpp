#include "transport/rtcp/sdes.hpp"

namespace parley::rtcp {
namespace {

constexpr std::uint8_t kCname = 1;

std::size_t to_word(std::size_t position) {
  return (4 - position % 4) % 4;
}

}  // namespace

std::optional<std::string_view> find_cname(const RtcpPacket& packet, std::uint32_t ssrc) {
  if (!packet.is(PacketType::source_description)) return std::nullopt;
  ByteReader reader(packet.body);
  std::optional<std::string_view> found;
  for (unsigned chunk = 0; chunk < packet.count; ++chunk) {
    const bool ours = reader.u32() == ssrc;
    while (const std::uint8_t type = reader.u8()) {
      const Bytes text = reader.take(reader.u8());
      if (ours && type == kCname && !found) found = as_text(text);
    }
    reader.take(to_word(reader.position()));
    if (!reader.ok()) return std::nullopt;
  }
  if (reader.remaining() > 0) return std::nullopt;
  return found;
}

void write_sdes(ByteWriter& out, std::uint32_t ssrc, std::string_view cname) {
  const std::string_view text = cname.substr(0, kMaxCname);
  const std::size_t item = 4 + 2 + text.size();
  const std::size_t end = 1 + to_word(item + 1);  // the list ends by at least one zero
  write_packet_header(out, 1, PacketType::source_description, item + end);
  out.u32(ssrc);
  out.u8(kCname);
  out.u8(static_cast<std::uint8_t>(text.size()));
  out.bytes(as_bytes(text));
  out.zeros(end);
}

}  // namespace parley::rtcp
