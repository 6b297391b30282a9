// The level of a CELT packet, read from its coarse band energies (RFC 6716 section 4.3.2.1) without decoding
// it: 50 times cheaper, and what a decoder will make of the packet whatever its sender claims.
//
// The energies are coded as differences to the frame before, so all packets of a leg should pass; after a
// loss the error dies away within a few frames. Threads: the room's mix thread. No allocation.
#pragma once

#include <array>

#include "transport/base/bytes.hpp"

namespace parley::media {

class CeltLevel {
 public:
  static constexpr std::size_t kBands = 21;
  static constexpr float kSilence = -127.0F;

  // RMS in dBFS of a packet of CELT frames, the mean of its channels; kSilence for silence. What is no such
  // packet changes nothing and gives kSilence.
  float read(Bytes payload);

 private:
  using Energies = std::array<float, kBands>;  // log2 of amplitude, less the mean of the band

  float read_frame(Bytes frame, unsigned config, bool stereo);

  std::array<Energies, 2> energies_{};
};

}  // namespace parley::media
