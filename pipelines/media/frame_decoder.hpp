// What the receiver asks of a codec: mono samples from packets, and something to play where a packet is
// missing. Calls come in the order of the stream: decoders carry state.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "transport/base/bytes.hpp"
#include "transport/base/media_packet.hpp"

namespace parley::media {

class FrameDecoder {
 public:
  virtual ~FrameDecoder() = default;

  // Decodes a whole packet into the front of `out`; returns its samples, or a negative number when the
  // payload is rubbish (the state is then as after a lost packet). An empty payload is a DTX frame that fills
  // `out`.
  virtual int decode(Bytes payload, std::span<float> out) = 0;
  // Rebuilds the `out.size()` samples before `next` from its in-band FEC.
  virtual bool decode_fec(Bytes next, std::span<float> out) = 0;
  // Makes up `out.size()` samples (a multiple of 2.5 ms, at most 60 ms).
  virtual void conceal(std::span<float> out) = 0;
  virtual void reset() = 0;
};

std::unique_ptr<FrameDecoder> make_opus_decoder(std::uint32_t rate = 48'000);
std::unique_ptr<FrameDecoder> make_g711_decoder(Codec codec);

}  // namespace parley::media
