// RR: receiver report (RFC 3550 section 6.4.2).
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "transport/rtcp/compound.hpp"
#include "transport/rtcp/report_block.hpp"

namespace parley::rtcp {

struct ReceiverReport {
  std::uint32_t ssrc = 0;  // of the reporter
  ReportBlocks blocks;
};

std::optional<ReceiverReport> parse_receiver_report(const RtcpPacket& packet);
// At most 31 blocks.
void write_receiver_report(ByteWriter& out, std::uint32_t ssrc, std::span<const ReportBlock> blocks);

}  // namespace parley::rtcp
