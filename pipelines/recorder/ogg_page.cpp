#include "pipelines/recorder/ogg_page.hpp"

#include <array>

namespace parley::recorder {
namespace {

constexpr std::array<std::uint32_t, 256> kCrcTable = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < table.size(); ++i) {
    std::uint32_t crc = i << 24U;
    for (int bit = 0; bit < 8; ++bit) crc = (crc << 1U) ^ ((crc >> 31U) != 0 ? 0x04c11db7U : 0U);
    table[i] = crc;
  }
  return table;
}();

void put_le(ByteBuffer& out, std::uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

}  // namespace

std::uint32_t ogg_crc(Bytes data, std::uint32_t crc) {
  for (const std::uint8_t byte : data) crc = (crc << 8U) ^ kCrcTable[((crc >> 24U) ^ byte) & 0xffU];
  return crc;
}

void OggPage::add(Bytes packet) {
  lacing_.insert(lacing_.end(), packet.size() / 255, 255);
  lacing_.push_back(static_cast<std::uint8_t>(packet.size() % 255));
  body_.insert(body_.end(), packet.begin(), packet.end());
}

void OggPage::clear() {
  lacing_.clear();
  body_.clear();
}

ByteBuffer OggPage::bytes(std::uint32_t serial, std::uint32_t sequence, std::uint64_t granule,
                          std::uint8_t flags) const {
  ByteBuffer out;
  out.reserve(kOggHeader + lacing_.size() + body_.size());
  for (const char c : {'O', 'g', 'g', 'S'}) out.push_back(static_cast<std::uint8_t>(c));
  out.push_back(0);
  out.push_back(flags);
  put_le(out, granule, 8);
  put_le(out, serial, 4);
  put_le(out, sequence, 4);
  put_le(out, 0, 4);  // the CRC counts as zero in itself
  out.push_back(static_cast<std::uint8_t>(lacing_.size()));
  out.insert(out.end(), lacing_.begin(), lacing_.end());
  out.insert(out.end(), body_.begin(), body_.end());
  const std::uint32_t crc = ogg_crc(out);
  for (int i = 0; i < 4; ++i)
    out[22 + static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(crc >> (8 * i));
  return out;
}

}  // namespace parley::recorder
