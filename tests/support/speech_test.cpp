// The synthetic speech must look like speech to Opus: coded by SILK with its voice bit set while it speaks,
// and sent as DTX in its pauses.
#include "tests/support/speech.hpp"

#include <gtest/gtest.h>
#include <opus/opus.h>

#include <array>
#include <memory>

#include "tests/support/audio_metrics.hpp"

namespace parley::test {
namespace {

struct Seen {
  int packets = 0, dtx = 0, spoken = 0, voiced = 0;
};

Seen encode(const std::vector<float>& samples) {
  int error = 0;
  std::unique_ptr<OpusEncoder, void (*)(OpusEncoder*)> encoder(
      opus_encoder_create(48'000, 1, OPUS_APPLICATION_VOIP, &error), opus_encoder_destroy);
  opus_encoder_ctl(encoder.get(), OPUS_SET_BITRATE(24'000));
  opus_encoder_ctl(encoder.get(), OPUS_SET_DTX(1));
  opus_encoder_ctl(encoder.get(), OPUS_SET_COMPLEXITY(7));
  opus_encoder_ctl(encoder.get(), OPUS_SET_SIGNAL(OPUS_SIGNAL_VOICE));
  Seen seen;
  std::array<unsigned char, 1'500> packet{};
  for (std::size_t at = 0; at + 960 <= samples.size(); at += 960) {
    const int size = opus_encode_float(encoder.get(), samples.data() + at, 960, packet.data(), packet.size());
    ++seen.packets;
    if (size <= 2) {
      ++seen.dtx;
      continue;
    }
    if (rms_dbfs(std::span(samples).subspan(at, 960)) < -40 || (packet[0] >> 3) >= 16) continue;
    ++seen.spoken;
    if (packet[1] & 0x80) ++seen.voiced;
  }
  return seen;
}

TEST(Speech, IsTheSameForTheSameSeed) {
  EXPECT_EQ(speech(1, 7), speech(1, 7));
  EXPECT_NE(speech(1, 7), speech(1, 8));
}

TEST(Speech, IsVoiceToOpus) {
  const Seen seen = encode(speech(20, 1));
  EXPECT_GT(seen.spoken, seen.packets / 2);
  EXPECT_GT(seen.voiced, seen.spoken * 9 / 10);
}

TEST(Speech, LongPausesAreDtx) {
  const Seen seen = encode(speech(20, 2, {.pause_seconds = 2}));
  EXPECT_GT(seen.dtx, seen.packets / 5);
}

TEST(Speech, LevelIsAsAsked) {
  EXPECT_NEAR(rms_dbfs(speech(10, 5, {.level_dbfs = -20, .pause_seconds = 0})), -20, 1.5);
}

}  // namespace
}  // namespace parley::test
