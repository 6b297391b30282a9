// ITU-T G.711 companding, encoder side, from float samples at 8 kHz. (The decoder is in the jitter buffer.)
#pragma once

#include <cstdint>

namespace parley::client {

std::uint8_t encode_ulaw(float sample);
std::uint8_t encode_alaw(float sample);

}  // namespace parley::client
