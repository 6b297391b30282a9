#include "pipelines/player/voice.hpp"

#include <opus.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "transport/base/check.hpp"

namespace parley::player {
namespace {

constexpr float kSpeaks = -60.0F;

}  // namespace

Voice::Voice(std::uint32_t ssrc) : encoder_(opus_encoder_create(48'000, 1, OPUS_APPLICATION_AUDIO, nullptr)) {
  PARLEY_ASSERT(encoder_ != nullptr);
  opus_encoder_ctl(encoder_, OPUS_SET_BITRATE(kBitrate));
  opus_encoder_ctl(encoder_, OPUS_SET_COMPLEXITY(7));
  opus_encoder_ctl(encoder_, OPUS_SET_SIGNAL(OPUS_SIGNAL_MUSIC));
  packet_.ssrc = ssrc;
}
Voice::~Voice() {
  opus_encoder_destroy(encoder_);
}

const MediaPacket& Voice::say(std::span<const float> pcm, TimePoint at) {
  double sum = 0;
  for (const float sample : pcm) sum += static_cast<double>(sample) * sample;
  const auto rms = static_cast<float>(std::sqrt(sum / static_cast<double>(pcm.size())));
  const float dbfs = 20.0F * std::log10(std::max(rms, 1e-6F));
  packet_.level = static_cast<std::uint8_t>(std::clamp(std::lround(-dbfs), 0L, 127L));
  packet_.voice = dbfs > kSpeaks;
  packet_.marker = std::exchange(resumes_, false);
  packet_.arrival = at;
  packet_.sequence = sequence_++;
  packet_.timestamp = timestamp_;
  timestamp_ += kSamples;
  const int size = opus_encode_float(encoder_, pcm.data(), static_cast<int>(pcm.size()),
                                     packet_.payload.data(), static_cast<opus_int32>(packet_.payload.size()));
  packet_.size = static_cast<std::uint16_t>(std::max(size, 0));
  return packet_;
}

}  // namespace parley::player
