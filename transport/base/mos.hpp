// What a listener would say of a connection: the E-model, ITU-T G.107 (06/2015), with the default values of
// its table 2 for all that is not measured here, so R starts at 93.2. It judges the network and the codec,
// not microphones, rooms or echo (taken as cancelled: Idte = Idle = 0).
//
//   Idd       section 7.4 (sT = 1, mT = 100 ms): pure delay from mouth to ear, free up to 100 ms
//   Ie,eff    section 7.5, with BurstR = 1 (losses that do not come in bursts)
//   MOS       annex B, from 1 (bad) to 4.5
//
// Ie and Bpl of G.711 with concealment are those of ITU-T G.113 appendix I: 0 and 25.1. The ITU gives none
// for Opus. In published measurements by instrument, in narrow band as is the scale of G.107, Ie falls with
// the bitrate to 2.0 at 11 kbit/s, where Bpl is 16.0 for losses at random. We code speech at 16 kbit/s and
// more: Ie 0, Bpl 16. A wider band than the telephone's is not credited: the figure compares calls, it does
// not praise a codec.
#pragma once

#include <algorithm>
#include <cmath>

#include "transport/base/media_packet.hpp"

namespace parley {

struct VoiceConditions {
  Codec codec = Codec::opus;
  double delay_ms = 0;  // one way, mouth to ear
  double loss = 0;      // 0 to 1: what the decoder had to make up, after FEC
};

inline double rating_factor(const VoiceConditions& conditions) {
  const double bpl = conditions.codec == Codec::opus ? 16.0 : 25.1;
  const double ppl = 100 * std::clamp(conditions.loss, 0.0, 1.0);
  const double delay = std::clamp(conditions.delay_ms, 0.0, 10'000.0);
  double idd = 0;
  if (delay > 100) {
    const double x = std::log2(delay / 100);
    idd = 25 * (std::pow(1 + std::pow(x, 6), 1.0 / 6) - 3 * std::pow(1 + std::pow(x / 3, 6), 1.0 / 6) + 2);
  }
  const double ie_eff = 95 * ppl / (ppl + bpl);
  return 93.2 - idd - ie_eff;
}

inline double mos_of_rating(double r) {
  if (r <= 0) return 1;
  if (r >= 100) return 4.5;
  return std::max(1.0, 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6);
}

inline double mean_opinion_score(const VoiceConditions& conditions) {
  return mos_of_rating(rating_factor(conditions));
}

// What a call adds to the delay of network and jitter buffer: a packet of 20 ms and, with Opus, the
// look-ahead of 6.5 ms. Sound devices are not known.
inline constexpr double kCodingDelayMs = 26.5;

}  // namespace parley
