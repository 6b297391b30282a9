// What an Opus packet tells without being decoded (RFC 6716 section 3.1 and 4.2.3, 4.2.4).
#pragma once

#include <cstdint>

#include "transport/base/bytes.hpp"
#include "transport/base/time.hpp"

namespace parley::media {

enum class OpusMode : std::uint8_t { silk, hybrid, celt };
enum class VoiceBit : std::uint8_t { unknown, clear, set };  // unknown: CELT has no bit, or the packet is DTX

struct OpusInfo {
  bool valid = false;  // opus_packet_parse accepts it
  bool dtx = false;    // every frame has 0 or 1 byte: nothing is being said
  bool stereo = false;
  OpusMode mode = OpusMode::celt;
  Duration duration{};  // of the whole packet, at most 120 ms
  int frames = 0;
  VoiceBit voice = VoiceBit::unknown;
  bool has_fec = false;  // the first frame carries LBRR data
};

OpusInfo inspect_opus(Bytes payload);

}  // namespace parley::media
