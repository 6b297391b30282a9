#include "pipelines/media/resample.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "transport/base/check.hpp"

namespace parley::media {

namespace {

using Taps = std::array<float, kResampleTaps>;

// Windowed sinc (Blackman), unit gain at 0 Hz.
Taps design_low_pass() {
  constexpr double kCutoff = 3'700.0 / 48'000.0;  // the middle of the transition band
  const double middle = (kResampleTaps - 1) / 2.0;
  std::array<double, kResampleTaps> taps{};
  for (std::size_t i = 0; i < kResampleTaps; ++i) {
    const double x = static_cast<double>(i) - middle;
    const double angle = 2 * std::numbers::pi * static_cast<double>(i) / (kResampleTaps - 1);
    const double window = 0.42 - 0.5 * std::cos(angle) + 0.08 * std::cos(2 * angle);
    taps[i] = window * std::sin(2 * std::numbers::pi * kCutoff * x) / (std::numbers::pi * x);
  }
  const double sum = std::accumulate(taps.begin(), taps.end(), 0.0);
  Taps out{};
  std::transform(taps.begin(), taps.end(), out.begin(),
                 [sum](double tap) { return static_cast<float>(tap / sum); });
  return out;
}

const Taps& low_pass() {
  static const Taps taps = design_low_pass();
  return taps;
}

}  // namespace

void Decimator::process(std::span<const float> in, std::span<float> out) {
  PARLEY_ASSERT(in.size() == out.size() * kResampleFactor);
  const Taps& taps = low_pass();
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto piece = in.subspan(i * kResampleFactor, kResampleFactor);
    std::shift_left(history_.begin(), history_.end(), kResampleFactor);
    std::copy(piece.begin(), piece.end(), history_.end() - kResampleFactor);
    out[i] =
        std::inner_product(history_.begin(), history_.end(), taps.begin(), 0.0F);  // the taps are symmetric
  }
}

void Interpolator::process(std::span<const float> in, std::span<float> out) {
  PARLEY_ASSERT(out.size() == in.size() * kResampleFactor);
  const Taps& taps = low_pass();
  for (std::size_t i = 0; i < in.size(); ++i) {
    std::shift_left(history_.begin(), history_.end(), 1);
    history_.back() = in[i];
    for (std::size_t phase = 0; phase < kResampleFactor; ++phase) {
      float sum = 0;
      for (std::size_t k = 0; k < history_.size(); ++k)
        sum += history_[history_.size() - 1 - k] * taps[k * kResampleFactor + phase];
      out[i * kResampleFactor + phase] = sum * static_cast<float>(kResampleFactor);
    }
  }
}

}  // namespace parley::media
