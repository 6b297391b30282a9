#include "transport/rtcp/report_block.hpp"

namespace parley::rtcp {
namespace {

// 24 bits, two's complement.
std::int32_t signed_24(std::uint32_t value) {
  return static_cast<std::int32_t>(value << 8) >> 8;
}

}  // namespace

ReportBlock ReportBlocks::operator[](std::size_t index) const {
  ByteReader reader(bytes_.subspan(index * ReportBlock::kSize, ReportBlock::kSize));
  ReportBlock block;
  block.ssrc = reader.u32();
  block.fraction_lost = reader.u8();
  block.cumulative_lost = signed_24(reader.u24());
  block.extended_highest = reader.u32();
  block.jitter = reader.u32();
  block.last_sr = reader.u32();
  block.delay_since_last_sr = reader.u32();
  return block;
}

void write_report_block(ByteWriter& out, const ReportBlock& block) {
  out.u32(block.ssrc);
  out.u8(block.fraction_lost);
  out.u24(static_cast<std::uint32_t>(block.cumulative_lost) & 0xffffff);
  out.u32(block.extended_highest);
  out.u32(block.jitter);
  out.u32(block.last_sr);
  out.u32(block.delay_since_last_sr);
}

}  // namespace parley::rtcp
