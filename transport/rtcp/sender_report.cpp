#include "transport/rtcp/sender_report.hpp"

namespace parley::rtcp {
namespace {

constexpr std::size_t kSenderInfoSize = 24;  // with the SSRC

}  // namespace

std::optional<SenderReport> parse_sender_report(const RtcpPacket& packet) {
  if (!packet.is(PacketType::sender_report)) return std::nullopt;
  ByteReader reader(packet.body);
  SenderReport report;
  report.sender.ssrc = reader.u32();
  report.sender.ntp = reader.u64();
  report.sender.rtp_timestamp = reader.u32();
  report.sender.packet_count = reader.u32();
  report.sender.octet_count = reader.u32();
  // What follows the blocks is a profile's extension (RFC 3550 section 6.4.3).
  report.blocks = ReportBlocks(reader.take(packet.count * ReportBlock::kSize));
  if (!reader.ok()) return std::nullopt;
  return report;
}

void write_sender_report(ByteWriter& out, const SenderInfo& sender, std::span<const ReportBlock> blocks) {
  write_packet_header(out, static_cast<std::uint8_t>(blocks.size()), PacketType::sender_report,
                      kSenderInfoSize + blocks.size() * ReportBlock::kSize);
  out.u32(sender.ssrc);
  out.u64(sender.ntp);
  out.u32(sender.rtp_timestamp);
  out.u32(sender.packet_count);
  out.u32(sender.octet_count);
  for (const ReportBlock& block : blocks) write_report_block(out, block);
}

}  // namespace parley::rtcp
