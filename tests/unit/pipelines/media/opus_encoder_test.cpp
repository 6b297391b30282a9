#include "pipelines/media/opus_encoder.hpp"

#include <gtest/gtest.h>
#include <opus/opus.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <memory>
#include <vector>

#include "tests/support/audio_metrics.hpp"
#include "tests/support/speech.hpp"

namespace parley::media {
namespace {

using test::Random;
using test::speech;

std::span<const float> tick_of(const std::vector<float>& pcm, std::size_t i, std::size_t samples = 960) {
  return std::span(pcm).subspan((i * samples) % (pcm.size() - samples), samples);
}

std::vector<Profile> profiles() {
  return {profile_for({}, Tier::clean), profile_for({}, Tier::lossy), profile_for({}, Tier::very_lossy),
          profile_for({Codec::opus, true, false, 0}, Tier::clean),
          profile_for({Codec::opus, true, true, 20'000}, Tier::clean)};
}

// 1,000 leaves at random places, 200 for each profile: the copy's packets and the original's are the same
// bytes.
TEST(ClassEncoder, ACopyGoesOnBitExactly) {
  const auto pcm = speech(20, 3);
  test::Random random(5);
  for (const Profile& profile : profiles()) {
    ClassEncoder original(20ms);
    original.start(profile, 7);
    ClassEncoder copy(20ms);
    std::size_t at = 0;
    for (int leave = 0; leave < 200; ++leave) {
      for (std::uint64_t steps = 1 + random.below(4); steps > 0; --steps) original.encode(tick_of(pcm, at++));
      copy.clone(original);
      for (int i = 0; i < 2; ++i, ++at) {
        const Bytes expected = original.encode(tick_of(pcm, at));
        const ByteBuffer kept(expected.begin(), expected.end());
        const Bytes made = copy.encode(tick_of(pcm, at));
        ASSERT_TRUE(std::equal(kept.begin(), kept.end(), made.begin(), made.end())) << "leave " << leave;
      }
    }
  }
}

TEST(ClassEncoder, SilenceIsAByteEvery400Milliseconds) {
  for (const Duration tick : {20ms, 10ms}) {
    const auto samples = static_cast<std::size_t>(tick * 48 / 1ms);
    const auto pcm = speech(1, 3);
    ClassEncoder encoder(tick);
    encoder.start(profile_for({}, Tier::clean), 7);
    for (std::size_t i = 0; i < 20; ++i) encoder.encode(tick_of(pcm, i, samples));
    const std::vector<float> silence(samples);
    std::vector<Duration> small;
    int large = 0;
    for (Duration at{}; at < 10s; at += tick) {
      const Bytes packet = encoder.encode(silence);
      if (packet.size() > 2) {
        ++large;
        EXPECT_LE(at, 40ms);
      } else if (!packet.empty()) {
        EXPECT_EQ(packet.size(), 1U);
        if (!small.empty()) {
          EXPECT_EQ(at - small.back(), 400ms);
        }
        small.push_back(at);
      }
    }
    EXPECT_EQ(large, 40ms / tick + 1);
    EXPECT_EQ(small.size(), 25U);
    EXPECT_EQ(encoder.take_runs(), 20U + static_cast<unsigned>(40ms / tick) + 1U)
        << "libopus rests in silence";
  }
}

// A decoder in a pause of steady sound makes up the background it has learnt, for ever, unless it is told
// better.
TEST(ClassEncoder, SilenceIsSilentAtTheDecoder) {
  Random random(7);
  std::vector<float> noise(96'000);
  for (float& sample : noise) sample = static_cast<float>(random.uniform(-0.1, 0.1));
  const std::array inputs{test::tone(2, 440), noise, speech(2, 3)};
  for (const Duration tick : {20ms, 10ms}) {
    for (const auto& pcm : inputs) {
      for (const Profile& profile : profiles()) {
        const auto samples = static_cast<std::size_t>(tick * 48 / 1ms);
        ClassEncoder encoder(tick);
        encoder.start(profile, 7);
        int error = 0;
        const std::unique_ptr<::OpusDecoder, void (*)(::OpusDecoder*)> decoder(
            opus_decoder_create(48'000, 1, &error), opus_decoder_destroy);
        std::vector<float> heard(samples);
        const auto decode = [&](Bytes packet) {
          const int decoded = opus_decode_float(decoder.get(), packet.empty() ? nullptr : packet.data(),
                                                static_cast<opus_int32>(packet.size()), heard.data(),
                                                static_cast<int>(samples), 0);
          ASSERT_EQ(decoded, static_cast<int>(samples));
        };
        double usual =
            0.05;  // the loudest sample of ordinary coding: a codec's peaks are not those of its input
        for (int round = 0; round < 3; ++round) {
          for (std::size_t i = 0; i < 48'000 / samples; ++i) {
            decode(encoder.encode(tick_of(pcm, i, samples)));
            usual = std::max(usual, test::peak(heard));
          }
          for (Duration at{}; at < 2s; at += tick) {
            decode(encoder.encode_silence());
            // Of coded noise one peak in a second is higher than the others by chance.
            EXPECT_LE(test::peak(heard), (&pcm == &inputs[1] ? 1.25 : 1.1) * usual)
                << to_ms(at) << " ms, tier " << static_cast<int>(profile.tier) << ", level "
                << test::rms_dbfs(pcm);
            if (at > 100ms && profile.dtx) {
              ASSERT_LT(test::rms_dbfs(heard), -80)
                  << to_ms(at) << " ms, tier " << static_cast<int>(profile.tier);
            }
          }
          // And the next word begins as it should.
          for (std::size_t i = 0; i < 3; ++i) {
            decode(encoder.encode(tick_of(pcm, i, samples)));
            EXPECT_LT(test::peak(heard), 1.26 * usual) << "overshoot at the onset";
          }
        }
      }
    }
  }
}

TEST(ClassEncoder, APeerWithoutDtxGetsAContinuousStream) {
  ClassEncoder encoder(20ms);
  encoder.start(profile_for({Codec::opus, true, false, 0}, Tier::clean), 7);
  const std::vector<float> silence(960);
  for (int i = 0; i < 200; ++i) EXPECT_FALSE(encoder.encode(silence).empty()) << i;
}

TEST(ClassEncoder, NoiseBecomesDtxToo) {
  std::vector<float> noise(48'000);
  test::Random random(1);
  for (float& sample : noise) sample = static_cast<float>(random.normal() * 0.0005);
  for (const Tier tier : {Tier::clean, Tier::lossy}) {
    ClassEncoder encoder(20ms);
    encoder.start(profile_for({}, tier), 7);
    // What is noise is judged against the speech before it.
    const auto pcm = speech(2, 1);
    for (std::size_t i = 0; i < 98; ++i) encoder.encode(tick_of(pcm, i));
    int sent = 0;
    for (std::size_t i = 0; i < 500; ++i) sent += encoder.encode(tick_of(noise, i)).empty() ? 0 : 1;
    EXPECT_LT(sent, 150);
  }
}

// A decoder that follows another encoder is taken over in the midst of speech.
TEST(ClassEncoder, TakesOverFromAnotherEncoderWithoutOvershoot) {
  constexpr std::size_t kTick = 960;
  const auto pcm = speech(20, 3, {.pause_seconds = 0.1});
  const std::size_t ticks = pcm.size() / kTick;
  const auto state_size = static_cast<std::size_t>(opus_decoder_get_size(1));
  const auto decode = [](std::vector<std::byte>& decoder, Bytes packet, float* out) {
    const int samples = opus_decode_float(reinterpret_cast<::OpusDecoder*>(decoder.data()), packet.data(),
                                          static_cast<int>(packet.size()), out, static_cast<int>(kTick), 0);
    EXPECT_EQ(samples, static_cast<int>(kTick));
  };
  // The talker's stream, its sound, and the decoder after each packet.
  ClassEncoder talker(20ms);
  talker.start(profile_for({Codec::opus, true, false, 0}, Tier::clean), 7);
  std::vector<float> sound(ticks * kTick);
  std::vector<std::vector<std::byte>> after(1, std::vector<std::byte>(state_size));
  ASSERT_EQ(opus_decoder_init(reinterpret_cast<::OpusDecoder*>(after[0].data()), 48'000, 1), OPUS_OK);
  for (std::size_t tick = 0; tick < ticks; ++tick) {
    auto decoder = after.back();
    decode(decoder, talker.encode(std::span(pcm).subspan(tick * kTick, kTick)), sound.data() + tick * kTick);
    after.push_back(std::move(decoder));
  }
  const auto mix = [&](std::size_t tick) { return std::span(sound).subspan(tick * kTick, kTick); };
  std::vector<double> overshoot;
  double bits = 0;
  for (std::size_t tick = 10; tick + 10 < ticks; tick += 7) {
    ClassEncoder encoder(20ms);
    encoder.start(profile_for({}, Tier::clean), 7);
    for (std::size_t ago = 5; ago > 0; --ago) encoder.warm(mix(tick - ago));
    encoder.take_over();
    auto decoder = after[tick];
    std::vector<float> heard(2 * kTick);
    for (std::size_t i = 0; i < 2; ++i)
      decode(decoder, encoder.encode(mix(tick + i)), heard.data() + i * kTick);
    for (std::size_t i = 2; i < 8; ++i)
      bits += 8.0 * static_cast<double>(encoder.encode(mix(tick + i)).size());
    const double louder = test::peak(std::span(sound).subspan((tick - 2) * kTick, 4 * kTick));
    if (louder > 0.003) overshoot.push_back(test::to_db(test::peak(heard) / louder));
  }
  EXPECT_GT(overshoot.size(), 80U);
  EXPECT_LT(test::quantile(overshoot, 0.95), 0.5);
  EXPECT_LT(test::quantile(overshoot, 1), 1.5);
  const double seconds = 6 * 0.02 * std::floor(static_cast<double>(ticks - 20) / 7);
  EXPECT_LT(bits / seconds, 44'000) << "from the third packet on the rate is the usual one";
}

TEST(ClassEncoder, TheLossyTiersMakeFec) {
  const auto pcm = speech(5, 3);
  ClassEncoder encoder(20ms);
  encoder.start(profile_for({}, Tier::lossy), 7);
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < 250; ++i) bytes += encoder.encode(tick_of(pcm, i)).size();
  EXPECT_LT(bytes * 8, 5U * 48'000);

  int error = 0;
  const std::unique_ptr<::OpusDecoder, void (*)(::OpusDecoder*)> decoder(
      opus_decoder_create(48'000, 1, &error), opus_decoder_destroy);
  // A lost packet's speech comes back from the next one.
  encoder.start(profile_for({}, Tier::lossy), 7);
  std::vector<float> fec(960);
  double best = -200;
  for (std::size_t i = 0; i < 60; ++i) {
    const Bytes packet = encoder.encode(tick_of(pcm, i));
    const bool lost = i % 10 == 9;
    if (lost) continue;
    const auto size = static_cast<opus_int32>(packet.size());
    if (i % 10 == 0 && i > 0) {
      ASSERT_EQ(opus_decode_float(decoder.get(), packet.data(), size, fec.data(), 960, 1), 960);
      best = std::max(best, test::rms_dbfs(fec));
    }
    ASSERT_EQ(opus_decode_float(decoder.get(), packet.data(), size, fec.data(), 960, 0), 960);
  }
  EXPECT_GT(best, -40);
}

}  // namespace
}  // namespace parley::media
