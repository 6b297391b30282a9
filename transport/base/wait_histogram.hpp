// A histogram of waits, small enough to be kept for each leg: 32 buckets whose bounds grow by the square root
// of two, the first below 16 us, the last above half a second. A quantile is right within a fifth of itself.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>

#include "transport/base/time.hpp"

namespace parley {

class WaitHistogram {
 public:
  void add(Duration wait) { ++buckets_[index(wait)]; }
  // 0 while nothing was added.
  double quantile_ms(double q) const;
  std::uint64_t count() const { return std::accumulate(buckets_.begin(), buckets_.end(), std::uint64_t{0}); }

 private:
  static constexpr std::size_t kBuckets = 32;
  static constexpr double kFirstMs = 0.016;
  static std::size_t index(Duration wait);

  std::array<std::uint32_t, kBuckets> buckets_{};
};

inline std::size_t WaitHistogram::index(Duration wait) {
  const auto us = static_cast<std::uint64_t>(std::clamp<Duration::rep>(wait / 1us, 0, 1'000'000));
  // The logarithm of the square over that of the first bound's counts half octaves.
  return std::min(static_cast<std::size_t>(std::bit_width(us * us / 256)), kBuckets - 1);
}

inline double WaitHistogram::quantile_ms(double q) const {
  const std::uint64_t all = count();
  if (all == 0) return 0;
  const auto rank = static_cast<std::uint64_t>(std::clamp(q, 0.0, 1.0) * static_cast<double>(all - 1));
  std::size_t bucket = 0;
  for (std::uint64_t below = buckets_[0]; below <= rank; below += buckets_[bucket]) ++bucket;
  // The middle of the bucket, on its logarithmic scale.
  const double middle = static_cast<double>(bucket) - 0.5;
  return bucket == 0 ? kFirstMs / 2 : kFirstMs * std::exp2(middle / 2);
}

}  // namespace parley
