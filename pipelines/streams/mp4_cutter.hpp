// Cuts the output of a fragmenting MP4 muxer into what fragmented HLS serves: an initialisation segment and
// media segments (ISO/IEC 14496-12; RFC 8216 section 3.3). What the muxer leaves out of CMAF (ISO/IEC
// 23000-19) is put right on the way: the brands, and that data offsets count from the fragment's own start.
//
// Pure. Threads: one owner. Memory: at most one fragment (kMaxBox).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>

#include "transport/base/bytes.hpp"
#include "transport/base/result.hpp"
#include "transport/base/time.hpp"

namespace parley::streams {

class Mp4Cutter {
 public:
  static constexpr std::size_t kMaxBox = 4U << 20U;  // 100 s at the highest bitrate

  using OnInit = std::function<void(Bytes)>;
  using OnSegment = std::function<void(Bytes, Duration length)>;
  Mp4Cutter(OnInit on_init, OnSegment on_segment)
      : on_init_(std::move(on_init)), on_segment_(std::move(on_segment)) {}

  // Any cut of the muxer's output. An error is final: these are no fragments of one audio track.
  Status push(Bytes data);

 private:
  Status take_box(std::string_view type, Bytes box);
  Status take_header(Bytes moov);
  Status take_fragment(Bytes moof);

  OnInit on_init_;
  OnSegment on_segment_;
  ByteBuffer buffer_;
  std::uint32_t timescale_ = 0;  // units per second; 0: no header yet
  ByteBuffer fragment_;          // a moof that waits for its mdat
  Duration length_{};            // of it
};

}  // namespace parley::streams
