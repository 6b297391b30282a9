#include <algorithm>
#include <bit>

#include "pipelines/media/mix_bus.hpp"
#include "transport/base/check.hpp"

namespace parley::media {

namespace {

constexpr std::int64_t kUnity = 1 << 30;  // gains inside are Q30 integers: their sums are exact
constexpr std::int64_t kReleaseShare = (1 << 20) / (48 * 80);  // of the way to unity per sample, Q20: 80 ms
// A gain once needed is held for 10 ms beyond the look-ahead, so that it stands still between the peaks of
// any tone above 50 Hz: a gain that moves within a period is distortion.
constexpr std::size_t kHold = 480;
constexpr std::size_t kWindow = Limiter::kLookAhead + 1 + kHold;
constexpr std::size_t kSmoothing = Limiter::kLookAhead + 1;

// int64 to double with two SSE2 instructions instead of a scalar conversion; exact below 2^51, which a sum of
// a million contributions does not reach.
inline double exact(Q24Sum value) {
  constexpr std::int64_t kMagic = 0x4338'0000'0000'0000;
  return std::bit_cast<double>(value + kMagic) - 6755399441055744.0;
}

inline void scale(const Q24Sum* in, const float* curve, float ceiling, std::size_t count, float* out) {
  for (std::size_t i = 0; i < count; ++i) {
    const float sample = static_cast<float>(exact(in[i]) * (1.0 / (1 << 24))) * curve[i];
    // The curve keeps to the ceiling by itself but for the last bit of rounding.
    out[i] = std::min(std::max(sample, -ceiling), ceiling);
  }
}

}  // namespace

Limiter::Limiter(std::size_t samples_per_tick, float ceiling)
    : samples_per_tick_(samples_per_tick),
      ceiling_(ceiling),
      peaks_(samples_per_tick),
      curve_(samples_per_tick, 1.0F),
      recent_(kSmoothing, kUnity),
      recent_sum_(static_cast<std::int64_t>(kSmoothing) * kUnity),
      minima_(kWindow),
      gain_(kUnity) {
  PARLEY_ASSERT(samples_per_tick >= kLookAhead);
  PARLEY_ASSERT(ceiling > 0.0F && ceiling <= 1.0F);
}

void Limiter::begin() {
  std::fill(peaks_.begin(), peaks_.end(), 0.0);
}

void Limiter::measure(std::span<const Q24Sum> bus) {
  PARLEY_ASSERT(bus.size() == samples_per_tick_);
  double* peaks = peaks_.data();
  const Q24Sum* in = bus.data();
  for (std::size_t i = 0; i < bus.size(); ++i) {
    const double value = exact(in[i]);
    const double magnitude = value < 0.0 ? -value : value;
    peaks[i] = peaks[i] < magnitude ? magnitude : peaks[i];
  }
}

void Limiter::finish() {
  const double limit = static_cast<double>(ceiling_) * (1 << 24);
  const double loudest = *std::max_element(peaks_.begin(), peaks_.end());
  const bool settled = gain_ == kUnity && recent_sum_ == static_cast<std::int64_t>(kSmoothing) * kUnity;
  if (loudest <= limit && settled && minima_size_ == 0) {
    if (!idle_) std::fill(curve_.begin(), curve_.end(), 1.0F);
    idle_ = true;
    lowest_ = 1.0F;
    return;
  }
  idle_ = false;
  lowest_ = 1.0F;
  for (std::size_t i = 0; i < samples_per_tick_; ++i) {
    const std::int64_t needed =
        peaks_[i] <= limit ? kUnity
                           : static_cast<std::int64_t>(limit / peaks_[i] * static_cast<double>(kUnity));
    curve_[i] = advance(needed);
    lowest_ = std::min(lowest_, curve_[i]);
  }
}

// One sample of the curve. The minimum of what was needed lately, let go slowly, then averaged over the
// look-ahead: each of the averaged values is at most what the sample leaving now needs, so their mean is too.
float Limiter::advance(std::int64_t needed) {
  const std::int64_t lowest = window_minimum(needed);
  const std::int64_t released = ((kUnity - gain_) * kReleaseShare) >> 20;
  gain_ = std::min(lowest, released > 0 ? gain_ + released : kUnity);
  recent_sum_ += gain_ - recent_[recent_at_];
  recent_[recent_at_] = gain_;
  recent_at_ = recent_at_ + 1 < kSmoothing ? recent_at_ + 1 : 0;
  return static_cast<float>(static_cast<double>(recent_sum_) /
                            static_cast<double>(static_cast<std::int64_t>(kSmoothing) * kUnity));
}

// Sliding minimum over kWindow samples: a queue of candidates, oldest and lowest first. Unity is no
// candidate.
std::int64_t Limiter::window_minimum(std::int64_t needed) {
  ++position_;
  if (minima_size_ > 0 && position_ - minima_[minima_head_].at >= kWindow) {
    minima_head_ = (minima_head_ + 1) % kWindow;
    --minima_size_;
  }
  if (needed < kUnity) {
    while (minima_size_ > 0 && minima_[(minima_head_ + minima_size_ - 1) % kWindow].gain >= needed)
      --minima_size_;
    minima_[(minima_head_ + minima_size_) % kWindow] = {position_, needed};
    ++minima_size_;
  }
  return minima_size_ > 0 ? minima_[minima_head_].gain : kUnity;
}

void Limiter::apply(std::span<const Q24Sum> bus, std::span<Q24Sum> tail, std::span<float> out) const {
  PARLEY_ASSERT(bus.size() == samples_per_tick_ && out.size() == samples_per_tick_ &&
                tail.size() == kLookAhead);
  const std::size_t fresh = samples_per_tick_ - kLookAhead;
  scale(tail.data(), curve_.data(), ceiling_, kLookAhead, out.data());
  scale(bus.data(), curve_.data() + kLookAhead, ceiling_, fresh, out.data() + kLookAhead);
  std::copy(bus.begin() + static_cast<std::ptrdiff_t>(fresh), bus.end(), tail.begin());
}

}  // namespace parley::media
