// The report block shared by sender and receiver reports (RFC 3550 section 6.4.1).
#pragma once

#include <cstddef>
#include <cstdint>

#include "transport/base/bytes.hpp"

namespace parley::rtcp {

struct ReportBlock {
  static constexpr std::size_t kSize = 24;

  std::uint32_t ssrc = 0;                 // the stream reported on
  std::uint8_t fraction_lost = 0;         // 1/256
  std::int32_t cumulative_lost = 0;       // 24 bits, signed
  std::uint32_t extended_highest = 0;     // sequence number with cycles
  std::uint32_t jitter = 0;               // RTP units
  std::uint32_t last_sr = 0;              // middle 32 bits of the SR's NTP time; 0: none came
  std::uint32_t delay_since_last_sr = 0;  // 1/65536 s

  friend bool operator==(const ReportBlock&, const ReportBlock&) = default;
};

// A view of the blocks in a report, read on access.
class ReportBlocks {
 public:
  ReportBlocks() = default;
  // `bytes` is a multiple of ReportBlock::kSize.
  explicit ReportBlocks(Bytes bytes) : bytes_(bytes) {}
  std::size_t size() const { return bytes_.size() / ReportBlock::kSize; }
  ReportBlock operator[](std::size_t index) const;

 private:
  Bytes bytes_;
};

void write_report_block(ByteWriter& out, const ReportBlock& block);

}  // namespace parley::rtcp
