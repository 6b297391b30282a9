// Keyed tones (300 ms on, 200 ms off, as `parley join --input tone:HZ` sends them) as a ruler laid over a
// recording: a gap, a repetition or a wrong clock moves the edges.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace parley::listen {

struct KeyedTone {
  double hz = 0;
  std::size_t beats = 0;    // beginnings found, but for the first
  double worst_gap_ms = 0;  // largest difference between two beginnings and the 500 ms they should lie apart
  double worst_at_s = 0;    // where that is
  double clock_error_ms = 0;  // of the whole: last beginning against the first
};

std::vector<KeyedTone> find_keyed_tones(std::span<const float> pcm, std::span<const double> hz);

}  // namespace parley::listen
