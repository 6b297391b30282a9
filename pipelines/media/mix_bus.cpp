#include "pipelines/media/mix_bus.hpp"

#include <cmath>

#include "transport/base/check.hpp"

namespace parley::media {

namespace {

constexpr double kOne = 1 << 24;
constexpr double kLimit = 64.0 * kOne;

// The product of two floats is exact in a double, so this rounding is the only one. Written without branches,
// so that the loops around it become vector code; a comparison with NaN is false, which makes NaN 0.
inline Q24 round_to_q24(double value) {
  value = value == value ? value : 0.0;
  value = value < kLimit ? value : kLimit;
  value = value > -kLimit ? value : -kLimit;
  return static_cast<Q24>(value + std::copysign(0.5, value));
}

}  // namespace

void to_q24(std::span<const float> samples, float from, float to, std::span<Q24> out) {
  PARLEY_ASSERT(samples.size() == out.size());
  const std::size_t count = out.size();
  const float* in = samples.data();
  Q24* result = out.data();
  const double start = from * kOne;
  if (from == to) {
    for (std::size_t i = 0; i < count; ++i) result[i] = round_to_q24(static_cast<double>(in[i]) * start);
    return;
  }
  // The last sample has the gain `to` exactly: the next tick goes on from there.
  const double step = (to * kOne - start) / static_cast<double>(count);
  for (int i = 0; i < static_cast<int>(count); ++i) {
    result[i] = round_to_q24(static_cast<double>(in[i]) * (start + step * (i + 1)));
  }
}

void add(std::span<Q24Sum> sum, std::span<const Q24> part) {
  PARLEY_ASSERT(sum.size() == part.size());
  Q24Sum* to = sum.data();
  const Q24* from = part.data();
  for (std::size_t i = 0; i < part.size(); ++i) to[i] += from[i];
}

void subtract(std::span<Q24Sum> sum, std::span<const Q24> part) {
  PARLEY_ASSERT(sum.size() == part.size());
  Q24Sum* to = sum.data();
  const Q24* from = part.data();
  for (std::size_t i = 0; i < part.size(); ++i) to[i] -= from[i];
}

}  // namespace parley::media
