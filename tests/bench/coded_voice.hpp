// What the legs of a benchmark send, coded beforehand.
#pragma once

#include <cstdint>
#include <vector>

namespace parley::bench {

struct Packets {
  std::vector<std::vector<std::uint8_t>> payloads;  // 20 ms each, played in a circle
  std::vector<std::uint8_t> levels;                 // RFC 6464, one per payload
};
Packets encode_voice(const std::vector<float>& pcm, bool voice_mode);
Packets comfort_noise();

}  // namespace parley::bench
