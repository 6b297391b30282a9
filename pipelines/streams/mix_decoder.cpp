#include "pipelines/streams/mix_decoder.hpp"

#include <opus.h>

#include <algorithm>

#include "transport/base/check.hpp"

namespace parley::streams {

MixDecoder::MixDecoder() : decoder_(opus_decoder_create(48'000, 1, nullptr)) {
  PARLEY_ASSERT(decoder_ != nullptr);
}
MixDecoder::~MixDecoder() {
  opus_decoder_destroy(decoder_);
}

std::span<const float> MixDecoder::decode(Bytes packet, std::uint32_t samples) {
  const auto wanted = std::min<std::size_t>(samples, kMaxSamples);
  const auto room = static_cast<int>(wanted);
  int got = opus_decode_float(decoder_, packet.data(), static_cast<opus_int32>(packet.size()), pcm_.data(),
                              room, 0);
  if (got < 0) got = opus_decode_float(decoder_, nullptr, 0, pcm_.data(), room, 0);
  const auto filled = static_cast<std::size_t>(std::max(got, 0));
  if (filled < wanted)
    std::fill(pcm_.begin() + static_cast<std::ptrdiff_t>(filled), pcm_.begin() + room, 0.0F);
  return {pcm_.data(), wanted};
}

}  // namespace parley::streams
