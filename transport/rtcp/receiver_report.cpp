#include "transport/rtcp/receiver_report.hpp"

namespace parley::rtcp {

std::optional<ReceiverReport> parse_receiver_report(const RtcpPacket& packet) {
  if (!packet.is(PacketType::receiver_report)) return std::nullopt;
  ByteReader reader(packet.body);
  ReceiverReport report;
  report.ssrc = reader.u32();
  report.blocks = ReportBlocks(reader.take(packet.count * ReportBlock::kSize));
  if (!reader.ok()) return std::nullopt;
  return report;
}

void write_receiver_report(ByteWriter& out, std::uint32_t ssrc, std::span<const ReportBlock> blocks) {
  write_packet_header(out, static_cast<std::uint8_t>(blocks.size()), PacketType::receiver_report,
                      4 + blocks.size() * ReportBlock::kSize);
  out.u32(ssrc);
  for (const ReportBlock& block : blocks) write_report_block(out, block);
}

}  // namespace parley::rtcp
