#include "pipelines/recorder/ogg_scan.hpp"

#include <cstring>

#include "pipelines/recorder/flac_output.hpp"
#include "pipelines/recorder/ogg_page.hpp"
#include "pipelines/recorder/opus_output.hpp"

namespace parley::recorder {
namespace {

std::uint64_t get_le(Bytes data, std::size_t at, std::size_t bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = bytes; i-- > 0;) value = (value << 8U) | data[at + i];
  return value;
}

bool checks(Bytes page) {
  constexpr std::uint8_t kZeros[4] = {};
  auto crc = ogg_crc(page.first(22));
  crc = ogg_crc(Bytes(kZeros, 4), crc);
  crc = ogg_crc(page.subspan(26), crc);
  return crc == get_le(page, 22, 4);
}

}  // namespace

bool read_page(Bytes data, OggPageView& page) {
  if (data.size() < kOggHeader || std::memcmp(data.data(), "OggS", 4) != 0 || data[4] != 0) return false;
  const std::size_t segments = data[26];
  if (data.size() < kOggHeader + segments) return false;
  std::size_t body = 0;
  for (std::size_t i = 0; i < segments; ++i) body += data[kOggHeader + i];
  page.size = kOggHeader + segments + body;
  if (data.size() < page.size || !checks(data.first(page.size))) return false;
  page.flags = data[5];
  page.granule = get_le(data, 6, 8);
  page.serial = static_cast<std::uint32_t>(get_le(data, 14, 4));
  page.sequence = static_cast<std::uint32_t>(get_le(data, 18, 4));
  page.packets.clear();
  std::size_t at = kOggHeader + segments, length = 0;
  for (std::size_t i = 0; i < segments; ++i) {
    length += data[kOggHeader + i];
    if (data[kOggHeader + i] == 255) continue;
    page.packets.push_back(data.subspan(at, length));
    at += length;
    length = 0;
  }
  return true;
}

OggScan scan_ogg(Bytes file) {
  OggScan scan;
  OggPageView page;
  while (read_page(file.subspan(scan.good_bytes), page)) {
    if (scan.pages == 0) {
      scan.serial = page.serial;
      scan.opus = !page.packets.empty() && page.packets.front().size() >= 8 &&
                  std::memcmp(page.packets.front().data(), "OpusHead", 8) == 0;
    }
    if (page.serial != scan.serial) break;
    scan.good_bytes += page.size;
    scan.granule = page.granule;
    scan.next_sequence = page.sequence + 1;
    scan.last_flags = page.flags;
    if (!page.packets.empty() && !page.packets.back().empty()) scan.toc = page.packets.back().front();
    ++scan.pages;
    if ((page.flags & kOggLast) != 0) break;
  }
  return scan;
}

ByteBuffer closing_page(const OggScan& scan) {
  if (scan.pages < 2 || (scan.last_flags & kOggLast) != 0) return {};
  OggPage page;
  if (!scan.opus) {
    page.add(flac_frame(scan.granule, {0}));
    return page.bytes(scan.serial, scan.next_sequence, scan.granule + 1, kOggLast);
  }
  const std::uint8_t filler = filler_toc(scan.pages == 2 ? 0xf8 : scan.toc, true);
  page.add(Bytes(&filler, 1));
  return page.bytes(scan.serial, scan.next_sequence, scan.granule, kOggLast);
}

}  // namespace parley::recorder
