// The figures of one path of media over one interval, as client, server and log share them. What is not known
// is negative.
#pragma once

#include <cstdint>

#include "transport/base/mos.hpp"

namespace parley {

// One direction.
struct DirectionQuality {
  double loss = -1;       // 0 to 1, on the network; not known when too little was sent to tell
  double recovered = -1;  // 0 to 1 of all packets: lost, and rebuilt from FEC
  double jitter_ms = -1;  // RFC 3550
  double kbps = -1;
  double delay_ms = -1, target_ms = -1;  // of the receiver's jitter buffer: what it has, what it steers for
  double concealed_ms = -1;              // of sound made up by the receiver in the interval
  double mos = -1;                       // 1 to 4.5
  bool operator==(const DirectionQuality&) const = default;
};

// In an interval with fewer packets than this nobody has talked; one of them lost would look like a disaster.
inline constexpr std::uint64_t kPacketsToJudge = 20;

// From what a total of packets received and one of packets lost have grown by. Late ones are lost at first
// and come after all, so the second may shrink.
inline double interval_loss(std::uint64_t received, std::int64_t lost) {
  const auto missing = static_cast<std::uint64_t>(lost > 0 ? lost : 0);
  const auto expected = received + missing;
  if (expected < kPacketsToJudge) return -1;
  return static_cast<double>(missing) / static_cast<double>(expected);
}

// Fills in `mos`. Where the receiver's buffer is not known, one that follows its jitter holds about twice of
// it.
inline void judge(DirectionQuality& one, Codec codec, double round_trip_ms) {
  one.mos = -1;
  if (one.loss < 0) return;
  const double buffer = one.delay_ms >= 0 ? one.delay_ms : 2 * std::max(one.jitter_ms, 0.0);
  const double delay = std::max(round_trip_ms, 0.0) / 2 + buffer + kCodingDelayMs;
  const double recovered = std::max(one.recovered, 0.0);
  one.mos = mean_opinion_score({codec, delay, std::max(one.loss - recovered, 0.0)});
}

}  // namespace parley
