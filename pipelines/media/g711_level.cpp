#include "pipelines/media/g711_level.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace parley::media {

namespace {

// ITU-T G.711: sign, 3 bits of segment, 4 bits of interval; sent inverted (mu-law all, A-law every other
// bit).
constexpr int expand_mu(int byte) {
  const int code = ~byte & 0x7f;
  return (((code & 0x0f) * 2 + 33) << (code >> 4)) * 4 - 132;
}
constexpr int expand_a(int byte) {
  const int code = (byte ^ 0x55) & 0x7f;
  const int segment = code >> 4;
  const int interval = (code & 0x0f) * 16 + 8;
  return segment == 0 ? interval : (interval + 256) << (segment - 1);
}

using Squares = std::array<float, 256>;

template <int (*Expand)(int)>
constexpr Squares squares() {
  Squares table{};
  for (int byte = 0; byte < 256; ++byte) {
    const float value = static_cast<float>(Expand(byte)) / 32'768.0F;
    table[static_cast<std::size_t>(byte)] = value * value;
  }
  return table;
}

constexpr Squares kMu = squares<expand_mu>();
constexpr Squares kA = squares<expand_a>();

}  // namespace

float g711_level_dbfs(Codec codec, Bytes payload) {
  if (payload.empty()) return -127.0F;
  const Squares& table = codec == Codec::pcmu ? kMu : kA;
  float energy = 0.0F;
  for (const std::uint8_t byte : payload) energy += table[byte];
  const float mean = energy / static_cast<float>(payload.size());
  return mean > 0.0F ? std::max(-127.0F, 10.0F * std::log10(mean)) : -127.0F;
}

}  // namespace parley::media
