// Durations in units of an RTP clock.
#pragma once

#include <cstdint>

#include "transport/base/time.hpp"

namespace parley::rtp {

// Rounded towards zero. Seconds and the rest apart: nanoseconds times a clock rate overflow after two days.
constexpr std::int64_t rtp_units(Duration duration, std::uint32_t clock_rate) {
  constexpr std::int64_t kSecond = 1'000'000'000;
  const std::int64_t ns = duration.count();
  const auto rate = static_cast<std::int64_t>(clock_rate);
  return ns / kSecond * rate + ns % kSecond * rate / kSecond;
}

}  // namespace parley::rtp
