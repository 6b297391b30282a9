// The two things the receiver does with waveforms: find where a sound repeats itself, and go on with it for a
// little where nothing follows. Mono float at any rate; pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace parley::media {

struct LagMatch {
  std::size_t lag = 0;
  float similarity = 0;  // normalised correlation, 1 = the same shape; 0 also when either side is silent
};

// Compares the `window` samples at `at` with those `lag` samples later (`forward`) or earlier, for all lags
// in [low, high], and returns the best. Both ends must lie within `samples`: at + high + window <= size, or
// at >= high.
enum class Direction : std::uint8_t { forward, backward };
LagMatch best_lag(std::span<const float> samples, std::size_t at, std::size_t low, std::size_t high,
                  std::size_t window, Direction direction);

// The continuation of `history` by its last pitch period, from `skip` samples behind its end. At most the
// last 25 ms of history are looked at; with less than 5 ms the result is silence.
void extrapolate(std::span<const float> history, std::uint32_t rate, std::size_t skip, std::span<float> out);

// `to` = faded from `from` to `to` over its length (raised cosine: for sounds that are alike).
void crossfade(std::span<const float> from, std::span<float> to);

float rms_of(std::span<const float> samples);

}  // namespace parley::media
