#include "tests/bench/coded_voice.hpp"

#include <opus/opus.h>

#include <algorithm>

#include "tests/support/audio_metrics.hpp"

namespace parley::bench {
namespace {

Packets encode(const std::vector<float>& pcm, int application, int bitrate) {
  int error = 0;
  OpusEncoder* encoder = opus_encoder_create(48'000, 1, application, &error);
  opus_encoder_ctl(encoder, OPUS_SET_BITRATE(bitrate));
  opus_encoder_ctl(encoder, OPUS_SET_COMPLEXITY(7));
  Packets out;
  for (std::size_t at = 0; at + 960 <= pcm.size(); at += 960) {
    std::vector<std::uint8_t> packet(1'275);
    const int size = opus_encode_float(encoder, pcm.data() + at, 960, packet.data(), 1'275);
    packet.resize(static_cast<std::size_t>(size));
    out.payloads.push_back(std::move(packet));
    const double level = test::rms_dbfs(std::span<const float>(pcm).subspan(at, 960));
    out.levels.push_back(static_cast<std::uint8_t>(std::clamp(-level, 0.0, 127.0)));
  }
  opus_encoder_destroy(encoder);
  return out;
}

}  // namespace

Packets encode_voice(const std::vector<float>& pcm, bool voice_mode) {
  return voice_mode ? encode(pcm, OPUS_APPLICATION_VOIP, 32'000)
                    : encode(pcm, OPUS_APPLICATION_RESTRICTED_LOWDELAY, 40'000);
}

Packets comfort_noise() {
  std::vector<float> noise(48'000);
  std::uint32_t state = 1;
  for (float& sample : noise) {
    state = state * 1'664'525U + 1'013'904'223U;
    sample = (static_cast<float>(state >> 8) / 8'388'608.0F - 1.0F) * 0.0003F;  // about -75 dBFS
  }
  auto out = encode(noise, OPUS_APPLICATION_VOIP, 16'000);
  for (auto& level : out.levels) level = 75;
  return out;
}

}  // namespace parley::bench
