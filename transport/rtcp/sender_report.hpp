// SR: sender report (RFC 3550 section 6.4.1).
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "transport/rtcp/compound.hpp"
#include "transport/rtcp/report_block.hpp"

namespace parley::rtcp {

struct SenderInfo {
  std::uint32_t ssrc = 0;
  std::uint64_t ntp = 0;            // 32.32 seconds since 1900
  std::uint32_t rtp_timestamp = 0;  // the same instant
  std::uint32_t packet_count = 0;
  std::uint32_t octet_count = 0;
};

struct SenderReport {
  SenderInfo sender;
  ReportBlocks blocks;
};

std::optional<SenderReport> parse_sender_report(const RtcpPacket& packet);
// At most 31 blocks.
void write_sender_report(ByteWriter& out, const SenderInfo& sender, std::span<const ReportBlock> blocks);

// The part of an NTP time that report blocks echo (RFC 3550 section 4).
constexpr std::uint32_t middle_of_ntp(std::uint64_t ntp) {
  return static_cast<std::uint32_t>(ntp >> 16);
}

}  // namespace parley::rtcp
