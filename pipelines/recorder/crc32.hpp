// CRC-32 as zip, Ethernet and everybody else knows it (ITU-T V.42): the checksum of finished recordings.
#pragma once

#include <array>
#include <cstdint>

#include "transport/base/bytes.hpp"

namespace parley::recorder {

inline constexpr std::array<std::uint32_t, 256> kCrc32Table = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < table.size(); ++i) {
    std::uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? 0xedb88320U : 0U);
    table[i] = crc;
  }
  return table;
}();

// Of several pieces: crc32(second, crc32(first)).
inline std::uint32_t crc32(Bytes data, std::uint32_t crc = 0) {
  crc = ~crc;
  for (const std::uint8_t byte : data) crc = (crc >> 8U) ^ kCrc32Table[(crc ^ byte) & 0xffU];
  return ~crc;
}

}  // namespace parley::recorder
