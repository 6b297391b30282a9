#include "pipelines/media/waveform.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "transport/base/check.hpp"

namespace parley::media {
namespace {

// Every `step`-th sample is enough for the first, coarse pass: pitch lies far below the band that is lost.
float similarity(const float* a, const float* b, std::size_t window, std::size_t step) {
  float dot = 0;
  float energy_a = 1e-9F;
  float energy_b = 1e-9F;
  for (std::size_t i = 0; i < window; i += step) {
    dot += a[i] * b[i];
    energy_a += a[i] * a[i];
    energy_b += b[i] * b[i];
  }
  return dot / std::sqrt(energy_a * energy_b);
}

}  // namespace

LagMatch best_lag(std::span<const float> samples, std::size_t at, std::size_t low, std::size_t high,
                  std::size_t window, Direction direction) {
  const bool forward = direction == Direction::forward;
  PARLEY_ASSERT(low <= high && (forward ? at + high + window : at + window) <= samples.size());
  PARLEY_ASSERT(forward || at >= high);
  const float* here = samples.data() + at;
  const auto there = [&](std::size_t lag) { return forward ? here + lag : here - lag; };

  const std::size_t step = std::max<std::size_t>(1, low / 20);
  LagMatch best{low, -1};
  for (std::size_t lag = low; lag <= high; lag += step) {
    const float s = similarity(here, there(lag), window, step);
    if (s > best.similarity) best = {lag, s};
  }
  const std::size_t from = std::max(low, best.lag > step ? best.lag - step : low);
  const std::size_t to = std::min(high, best.lag + step);
  best.similarity = -1;
  for (std::size_t lag = from; lag <= to; ++lag) {
    const float s = similarity(here, there(lag), window, std::max<std::size_t>(1, step / 4));
    if (s > best.similarity) best = {lag, s};
  }
  return best;
}

void extrapolate(std::span<const float> history, std::uint32_t rate, std::size_t skip, std::span<float> out) {
  const std::size_t ms = rate / 1'000;
  history = history.last(std::min(history.size(), 25 * ms));
  if (history.size() < 5 * ms) {
    std::fill(out.begin(), out.end(), 0.0F);
    return;
  }
  const std::size_t window = std::min(history.size() / 3, 8 * ms);
  const std::size_t low = ms * 5 / 2;
  const std::size_t high = std::min(15 * ms, history.size() - window);
  const std::size_t at = history.size() - window;
  const std::size_t period =
      high <= low ? high : best_lag(history, at, low, high, window, Direction::backward).lag;
  const float* cycle = history.data() + history.size() - period;

  // Where the cycle wraps, its last quarter leans over to what came before its start, so that there is no
  // edge.
  const std::size_t lean = std::min(period / 4, history.size() - period);
  const auto sample = [&](std::size_t i) {
    const std::size_t p = i % period;
    if (p + lean < period) return cycle[p];
    const float w = static_cast<float>(p + lean + 1 - period) / static_cast<float>(lean + 1);
    const float* before = cycle + p - period;
    return before >= history.data() ? cycle[p] * (1 - w) + *before * w : cycle[p];
  };
  // The step between the last sample and the cycle's start dies out within about a millisecond.
  const float step = 2 * history.back() - history[history.size() - 2] - cycle[0];
  const float decay = std::exp(-3.0F / static_cast<float>(ms));
  float rest = step * std::pow(decay, static_cast<float>(skip));
  for (std::size_t i = 0; i < out.size(); ++i, rest *= decay) out[i] = sample(skip + i) + rest;
}

void crossfade(std::span<const float> from, std::span<float> to) {
  const std::size_t size = std::min(from.size(), to.size());
  for (std::size_t i = 0; i < size; ++i) {
    const float t = (static_cast<float>(i) + 0.5F) / static_cast<float>(size);
    const float w = 0.5F - 0.5F * std::cos(std::numbers::pi_v<float> * t);
    to[i] = from[i] * (1 - w) + to[i] * w;
  }
}

float rms_of(std::span<const float> samples) {
  float sum = 0;
  for (const float s : samples) sum += s * s;
  return samples.empty() ? 0 : std::sqrt(sum / static_cast<float>(samples.size()));
}

}  // namespace parley::media
