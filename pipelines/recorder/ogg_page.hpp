// Ogg pages (RFC 3533), written one at a time and each complete in itself: no packet spans two pages, so that
// a file that ends after any page is whole.
//
// Why not a stock muxer: when a page is closed, and that it reaches the file in one piece or not at all, is
// what crash safety rests on (docs/design/0009-recording-writer.md).
#pragma once

#include <cstdint>

#include "transport/base/bytes.hpp"

namespace parley::recorder {

// RFC 3533 section 6: polynomial 0x04c11db7, not reflected, initial value and final xor 0.
std::uint32_t ogg_crc(Bytes data, std::uint32_t crc = 0);

enum OggFlag : std::uint8_t { kOggFirst = 2, kOggLast = 4 };

constexpr std::size_t kOggHeader = 27;  // without the lacing values
constexpr std::size_t kOggMaxSegments = 255;
constexpr std::size_t kOggMaxPage = kOggHeader + kOggMaxSegments + kOggMaxSegments * 255;

class OggPage {
 public:
  bool empty() const { return lacing_.empty(); }
  bool fits(std::size_t packet_bytes) const {
    return lacing_.size() + packet_bytes / 255 + 1 <= kOggMaxSegments;
  }
  void add(Bytes packet);  // fits() it
  void clear();
  // The page's bytes. `granule` is the position at the end of its last packet.
  ByteBuffer bytes(std::uint32_t serial, std::uint32_t sequence, std::uint64_t granule,
                   std::uint8_t flags) const;

 private:
  ByteBuffer lacing_, body_;
};

}  // namespace parley::recorder
