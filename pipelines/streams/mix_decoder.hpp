// The mix as samples, for encoders of other formats than Opus. Threads: one owner.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>

#include "transport/base/bytes.hpp"

struct OpusDecoder;

namespace parley::streams {

class MixDecoder {
 public:
  static constexpr std::size_t kMaxSamples = 5'760;  // 120 ms at 48 kHz: the longest packet

  MixDecoder();
  ~MixDecoder();

  // Mono, 48 kHz, exactly `samples` long (at most kMaxSamples): a packet that cannot be decoded is concealed.
  // Valid until the next call.
  std::span<const float> decode(Bytes packet, std::uint32_t samples);

 private:
  OpusDecoder* decoder_;
  std::array<float, kMaxSamples> pcm_{};
};

}  // namespace parley::streams
