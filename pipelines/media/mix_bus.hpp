// Total minus self, exactly (design rule 4). Contributions are rounded once to Q24 integers after their gain; sums and
// differences are integers; one limiter curve taken from the largest peak of all buses is applied to all of them.
//
// Shapes: one tick of mono 48 kHz per call; Q24 samples: 1.0 is 1 << 24. Sums are 64 bit: no number of talkers wraps.
// Threads: the room's mix thread. No allocation after construction.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace parley::media {

using Q24 = std::int32_t;
using Q24Sum = std::int64_t;

// Rounds samples * gain to Q24, clamped to +-64.0 (far beyond any limiter, so that rubbish cannot overflow a sum). NaN
// becomes 0. The gain moves linearly from `from` to `to` over the span (no zipper noise).
void to_q24(std::span<const float> samples, float from, float to, std::span<Q24> out);

void add(std::span<Q24Sum> sum, std::span<const Q24> part);
void subtract(std::span<Q24Sum> sum, std::span<const Q24> part);

// Look-ahead peak limiter with one gain curve for all buses of a tick. Per tick: begin(), measure(bus) for every bus,
// finish(), then apply(...) for each bus. Each bus is delayed by the look-ahead (2.5 ms = 120 samples): its owner
// keeps the tail of the last tick in a LimitedBus, since a bus may come and go while the curve goes on.
// The curve's gain never lets a sample pass `ceiling`; attack within the look-ahead, release about 80 ms; exactly 1
// while no bus peaks above the ceiling.
class Limiter {
 public:
  static constexpr std::size_t kLookAhead = 120;

  explicit Limiter(std::size_t samples_per_tick, float ceiling = 0.89F);  // -1 dBFS

  void begin();
  void measure(std::span<const Q24Sum> bus);
  void finish();

  // out = delayed bus * curve, float in [-ceiling, ceiling]. `tail` holds the bus's last kLookAhead samples of the tick
  // before (zeros for a new bus; for an N-1 bus that starts: the tail of the total minus that of the talker).
  void apply(std::span<const Q24Sum> bus, std::span<Q24Sum> tail, std::span<float> out) const;

  float lowest_gain() const;  // of this tick, 1 = idle
  bool idle() const;          // the curve is exactly 1 throughout this tick

 private:
  std::size_t samples_per_tick_;
  float ceiling_;
  std::vector<float> peaks_;   // largest absolute value of all buses, with the look-ahead of the tick before in front
  std::vector<float> curve_;
  float gain_ = 1.0F;
};

}  // namespace parley::media
