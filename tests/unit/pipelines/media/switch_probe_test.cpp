#include "pipelines/media/switch_probe.hpp"

#include <gtest/gtest.h>
#include <opus/opus.h>

#include "pipelines/media/opus_encoder.hpp"
#include "tests/support/audio_metrics.hpp"
#include "tests/support/speech.hpp"

namespace parley::media {
namespace {

constexpr std::size_t kTick = 960;
constexpr int kTicks = 60;

// A stream, and what its own decoder makes of it.
struct Stream {
  explicit Stream(std::uint32_t seed) {
    const auto pcm = test::speech(2, seed, {.pause_seconds = 0});
    ClassEncoder encoder(20ms);
    encoder.start(profile_for({}, Tier::clean), 7);
    int error = 0;
    const std::unique_ptr<::OpusDecoder, void (*)(::OpusDecoder*)> decoder(
        opus_decoder_create(48'000, 1, &error), opus_decoder_destroy);
    sound.resize(kTicks * kTick);
    for (std::size_t i = 0; i < kTicks; ++i) {
      const Bytes packet = encoder.encode(std::span(pcm).subspan(i * kTick, kTick));
      packets.emplace_back(packet.begin(), packet.end());
      const int samples = opus_decode_float(decoder.get(), packet.data(), static_cast<int>(packet.size()),
                                            sound.data() + i * kTick, static_cast<int>(kTick), 0);
      EXPECT_EQ(samples, static_cast<int>(kTick));
    }
  }
  std::span<const float> tick(std::size_t i) const { return std::span(sound).subspan(i * kTick, kTick); }
  std::vector<ByteBuffer> packets;
  std::vector<float> sound;
};

// How many of the packets from the tenth on `probe`, which follows `heard`, lets pass.
int passed(const Stream& heard, const Stream& talker, double loudest) {
  SwitchProbe probe(20ms);
  int count = 0;
  for (std::size_t i = 0; i < kTicks; ++i) {
    const auto level = static_cast<float>(loudest * test::rms(talker.tick(i)));
    if (i >= 10 && probe.inaudible(talker.packets[i], talker.tick(i - 1), talker.tick(i), level)) ++count;
    probe.follow(heard.packets[i]);
  }
  return count;
}

TEST(SwitchProbe, LetsPassWhatFitsInAMomentThatFalls) {
  const Stream stream(3);
  EXPECT_EQ(passed(stream, stream, 2.1), kTicks - 10) << "its own stream, 6 dB below what was before";
  EXPECT_EQ(passed(stream, stream, 1.9), 0) << "but never while the sound is as loud as before";
}

TEST(SwitchProbe, RefusesWhatLeansOnAnotherPast) {
  const Stream heard(3);
  const Stream other(8);
  EXPECT_LT(passed(heard, other, 10), (kTicks - 10) / 2);
}

TEST(SwitchProbe, RefusesRubbish) {
  const Stream stream(3);
  SwitchProbe probe(20ms);
  for (std::size_t i = 0; i < 10; ++i) probe.follow(stream.packets[i]);
  EXPECT_TRUE(probe.ready());
  const std::uint8_t rubbish[] = {0xFF, 0xFF, 0xFF, 0xFF};
  EXPECT_FALSE(probe.inaudible(rubbish, stream.tick(9), stream.tick(10), 1));
}

}  // namespace
}  // namespace parley::media
