// Total minus self, exactly (design rule 4). Contributions are rounded once to Q24 integers after their gain;
// sums and differences are integers; one limiter curve taken from the largest peak of all buses is applied to
// all of them.
//
// Shapes: one tick of mono 48 kHz per call; Q24 samples: 1.0 is 1 << 24. Sums are 64 bit: no number of
// talkers wraps. Threads: the room's mix thread. No allocation after construction.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace parley::media {

using Q24 = std::int32_t;
using Q24Sum = std::int64_t;

// Rounds samples * gain to Q24, clamped to +-64.0 (far beyond any limiter, so that rubbish cannot overflow a
// sum). NaN becomes 0. The gain moves linearly from `from` to `to` over the span (no zipper noise); the last
// sample has `to`.
void to_q24(std::span<const float> samples, float from, float to, std::span<Q24> out);

void add(std::span<Q24Sum> sum, std::span<const Q24> part);
void subtract(std::span<Q24Sum> sum, std::span<const Q24> part);

// Look-ahead peak limiter with one gain curve for all buses of a tick. Per tick: begin(), measure(bus) for
// every bus, finish(), then apply(...) for each bus. Each bus is delayed by the look-ahead (1.25 ms = 60
// samples): its owner keeps the tail of the last tick, since a bus may come and go while the curve goes on.
// The curve's gain never lets a sample pass `ceiling`; attack within the look-ahead, release about 80 ms;
// exactly 1 while no bus peaks above the ceiling.
class Limiter {
 public:
  static constexpr std::size_t kLookAhead = 60;

  explicit Limiter(std::size_t samples_per_tick, float ceiling = 0.89F);  // -1 dBFS

  void begin();
  void measure(std::span<const Q24Sum> bus);
  void finish();

  // out = delayed bus * curve, float in [-ceiling, ceiling]. `tail` holds the bus's last kLookAhead samples
  // of the tick before (zeros for a new bus; for an N-1 bus that starts: the tail of the total minus that of
  // the talker) and gets this tick's.
  void apply(std::span<const Q24Sum> bus, std::span<Q24Sum> tail, std::span<float> out) const;

  float lowest_gain() const { return lowest_; }  // of this tick, 1 = idle
  bool idle() const { return idle_; }            // the curve is exactly 1 throughout this tick

 private:
  struct Needed {
    std::uint64_t at;   // sample position
    std::int64_t gain;  // Q30
  };
  float advance(std::int64_t needed);
  std::int64_t window_minimum(std::int64_t needed);

  std::size_t samples_per_tick_;
  float ceiling_;
  std::vector<double> peaks_;  // largest absolute value of all buses, Q24
  std::vector<float> curve_;
  bool idle_ = true;
  float lowest_ = 1.0F;

  // State of the curve between ticks; gains are Q30 integers.
  std::vector<std::int64_t> recent_;  // ring of the gains being averaged
  std::size_t recent_at_ = 0;
  std::int64_t recent_sum_;
  std::vector<Needed> minima_;  // ring of candidates for the sliding minimum, lowest first
  std::size_t minima_head_ = 0;
  std::size_t minima_size_ = 0;
  std::uint64_t position_ = 0;
  std::int64_t gain_;
};

}  // namespace parley::media
