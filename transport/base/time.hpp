// Time in Parley is an argument: only the outermost loops read the clock, everything below is told.
#pragma once

#include <chrono>
#include <cstdint>

namespace parley {

using Clock = std::chrono::steady_clock;
using Duration = std::chrono::nanoseconds;
using TimePoint = std::chrono::time_point<Clock, Duration>;
using namespace std::chrono_literals;

inline TimePoint now() {
  return std::chrono::time_point_cast<Duration>(Clock::now());
}
inline double to_ms(Duration d) {
  return std::chrono::duration<double, std::milli>(d).count();
}
inline double to_seconds(Duration d) {
  return std::chrono::duration<double>(d).count();
}

// Wall clock as a 64-bit NTP timestamp (RFC 5905 section 6: seconds since 1900, 32.32 fixed point).
inline std::uint64_t ntp_now() {
  const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  const auto ns = std::chrono::duration_cast<std::chrono::nanoseconds>(since_epoch).count();
  const auto seconds = static_cast<std::uint64_t>(ns / 1'000'000'000) + 2'208'988'800ULL;
  const auto fraction = (static_cast<std::uint64_t>(ns % 1'000'000'000) << 32) / 1'000'000'000ULL;
  return (seconds << 32) | fraction;
}

}  // namespace parley
