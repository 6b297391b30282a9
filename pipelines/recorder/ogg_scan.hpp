// Reads the pages of an Ogg file that may end anywhere (RFC 3533): for repair after a crash, and for whoever
// reads recordings back.
#pragma once

#include <cstdint>
#include <vector>

#include "transport/base/bytes.hpp"

namespace parley::recorder {

struct OggPageView {
  std::uint64_t granule = 0;
  std::uint32_t serial = 0, sequence = 0;
  std::uint8_t flags = 0;
  std::size_t size = 0;  // of the whole page
  std::vector<Bytes> packets;
};

// The page that begins at the start of `data`. False: it is not all there, or damaged.
bool read_page(Bytes data, OggPageView& page);

struct OggScan {
  std::uint64_t good_bytes = 0;  // up to the end of the last good page
  std::uint64_t granule = 0;
  std::uint32_t serial = 0, next_sequence = 0;
  std::uint8_t last_flags = 0;
  std::uint8_t toc = 0;  // first byte of the last packet
  std::size_t pages = 0;
  bool opus = false;
};
// Reads page after page; stops before the first one that is damaged or of another stream.
OggScan scan_ogg(Bytes file);

// What to append to a file cut at good_bytes so that it ends properly; empty: it does, or has no headers.
ByteBuffer closing_page(const OggScan& scan);

}  // namespace parley::recorder
