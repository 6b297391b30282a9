#include "client/g711.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace parley::client {

namespace {

int to_pcm16(float sample) {
  return static_cast<int>(std::lrint(std::clamp(sample, -1.0F, 1.0F) * 32'767.0F));
}

}  // namespace

// G.711 table 2: 14-bit magnitude plus a bias of 33 (132 at 16 bits), whose leading bit is the segment.
std::uint8_t encode_ulaw(float sample) {
  constexpr int kBias = 132, kClip = 32'635;
  const int pcm = to_pcm16(sample);
  const int sign = pcm < 0 ? 0x80 : 0;
  const auto magnitude = static_cast<unsigned>(std::min(std::abs(pcm), kClip) + kBias);
  const int segment = std::bit_width(magnitude) - 8;
  const int mantissa = static_cast<int>(magnitude >> (segment + 3)) & 0x0f;
  return static_cast<std::uint8_t>(~(sign | (segment << 4) | mantissa));
}

// G.711 table 1: 13-bit samples, sign set for positive values, even bits inverted.
std::uint8_t encode_alaw(float sample) {
  const int pcm = to_pcm16(sample);
  const int sign = pcm < 0 ? 0 : 0x80;
  // Negative values are the one's complement, so that both signs have equal steps.
  const auto magnitude = static_cast<unsigned>(pcm < 0 ? -pcm - 1 : pcm) >> 4;  // 11 bits
  const int segment = magnitude < 32 ? static_cast<int>(magnitude >> 4) : std::bit_width(magnitude) - 4;
  const int mantissa = static_cast<int>(magnitude >> std::max(segment - 1, 0)) & 0x0f;
  return static_cast<std::uint8_t>((sign | (segment << 4) | mantissa) ^ 0x55);
}

}  // namespace parley::client
