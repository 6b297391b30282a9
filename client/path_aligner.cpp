#include "client/path_aligner.hpp"

#include <algorithm>
#include <cmath>

#include "transport/base/check.hpp"

namespace parley::client {

namespace {

constexpr float kQuiet = 0.002F;  // -54 dBFS
constexpr float kAlike = 0.6F;    // a third who talks at the same level leaves 0.7

void shift_in(std::vector<float>& history, std::span<const float> newest) {
  std::copy(history.begin() + static_cast<std::ptrdiff_t>(newest.size()), history.end(), history.begin());
  std::copy(newest.begin(), newest.end(), history.end() - static_cast<std::ptrdiff_t>(newest.size()));
}

float dot(std::span<const float> a, const float* b) {
  float sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

}  // namespace

PathAligner::PathAligner()
    : mcu_(kWindow), direct_(kHistory), coarse_mcu_(kWindow / kCoarse), coarse_direct_(kHistory / kCoarse) {}

void PathAligner::add(std::span<const float> mcu, std::span<const float> direct) {
  PARLEY_ASSERT(mcu.size() == direct.size() && mcu.size() % kCoarse == 0 && mcu.size() <= kWindow);
  const auto thin_out = [](std::vector<float>& history, std::span<const float> sound) {
    const std::size_t count = sound.size() / kCoarse;
    std::copy(history.begin() + static_cast<std::ptrdiff_t>(count), history.end(), history.begin());
    float* to = history.data() + history.size() - count;
    for (std::size_t i = 0; i < count; ++i) {
      float sum = 0;
      for (std::size_t k = 0; k < kCoarse; ++k) sum += sound[i * kCoarse + k];
      to[i] = sum / kCoarse;
    }
  };
  shift_in(mcu_, mcu);
  shift_in(direct_, direct);
  thin_out(coarse_mcu_, mcu);
  thin_out(coarse_direct_, direct);
}

std::optional<std::size_t> PathAligner::lag() const {
  const std::span<const float> wanted(coarse_mcu_);
  const float energy = dot(wanted, wanted.data());
  const auto floor = kQuiet * kQuiet * static_cast<float>(wanted.size());
  if (energy < floor) return std::nullopt;
  // From lag 0 on, the energy of the other window slides along.
  const float* end = coarse_direct_.data() + coarse_direct_.size() - wanted.size();
  float other = dot({end, wanted.size()}, end);
  float best = 0;
  std::size_t best_lag = 0;
  for (std::size_t lag = 0; lag <= kMostLag / kCoarse; ++lag) {
    const float* here = end - lag;
    if (lag > 0) other += here[0] * here[0] - here[wanted.size()] * here[wanted.size()];
    if (other < floor / 4) continue;
    const float alike = dot(wanted, here) / std::sqrt(energy * other);
    // Of a sound that repeats itself the nearest is as good as any.
    if (alike > best + 0.01F) {
      best = alike;
      best_lag = lag;
    } else if (alike > best && lag == best_lag + 1) {
      best = alike;
      best_lag = lag;
    }
  }
  if (best < kAlike) return std::nullopt;
  return refine(best_lag * kCoarse);
}

std::size_t PathAligner::refine(std::size_t about) const {
  const auto wanted = std::span(mcu_).last(kFineWindow);
  const float* end = direct_.data() + direct_.size() - kFineWindow;
  const std::size_t from = about - std::min(about, kCoarse);
  const std::size_t to = std::min(about + kCoarse, kMostLag);
  float best = 0;
  std::size_t best_lag = about;
  for (std::size_t lag = from; lag <= to; ++lag) {
    const float* here = end - lag;
    const float energy = dot({here, kFineWindow}, here);
    const float alike = energy > 0 ? dot(wanted, here) / std::sqrt(energy) : 0;
    if (alike > best) {
      best = alike;
      best_lag = lag;
    }
  }
  return best_lag;
}

}  // namespace parley::client
