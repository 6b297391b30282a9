// Talkers who are passed on verbatim are not decoded, and nobody can tell.
#include <gtest/gtest.h>

#include "tests/pipeline/room_harness.hpp"
#include "tests/support/audio_metrics.hpp"
#include "tests/support/speech.hpp"

namespace parley::test {
namespace {

pipelines::RoomMediaConfig plain() {
  pipelines::RoomMediaConfig config;
  config.auto_level = pipelines::AutoLevel::off;
  return config;
}

Voice voice_of(std::uint32_t seed, bool voip = true) {
  Voice voice;
  voice.pcm = speech(12, seed, {.pause_seconds = 0.2});
  voice.voip = voip;
  return voice;
}

class RoomPassing : public testing::TestWithParam<bool> {};

TEST_P(RoomPassing, ATalkerWhoseListenersGetItsPacketsIsNotDecoded) {
  RoomHarness harness(plain());
  auto media = harness.opus_leg();
  media.has_levels = GetParam();
  const LegId talker = harness.add(media, voice_of(1));
  harness.ear(talker).wants_decode = false;
  harness.add(Voice{});
  harness.add(Voice{});
  harness.run(3s);
  const auto before = harness.room().stats();
  harness.run(20s);
  const auto after = harness.room().stats();
  const auto passes = static_cast<double>(after.passes - before.passes);
  EXPECT_GT(passes, 600);
  EXPECT_LT(static_cast<double>(after.decodes - before.decodes), 0.1 * passes);
  EXPECT_LT(static_cast<double>(after.looks - before.looks), 0.08 * passes);
  EXPECT_EQ(after.encodes - before.encodes, 0U);
}

INSTANTIATE_TEST_SUITE_P(Levels, RoomPassing, testing::Bool(),
                         [](const auto& tested) { return tested.param ? "told" : "found"; });

TEST(RoomPassingTalkers, AreCodedForThoseWhoLosePackets) {
  RoomHarness harness(plain());
  Voice anna = voice_of(1);
  anna.pcm = speech(60, 1, {.pause_seconds = 1});  // profiles change in silence
  anna.fec = true;
  harness.ear(harness.add(anna)).wants_decode = false;
  const LegId listener = harness.add(Voice{});
  const auto forwards_in_10s = [&](double loss) {
    const auto before = harness.room().stats().forwards;
    for (int report = 0; report < 2; ++report) {
      harness.room().set_downlink_loss(listener, loss);
      harness.run(5s);
    }
    return harness.room().stats().forwards - before;
  };
  EXPECT_GT(forwards_in_10s(0), 200U);
  forwards_in_10s(0.05);
  EXPECT_EQ(forwards_in_10s(0.05), 0U);
  forwards_in_10s(0);  // the tier is left after 10 s
  EXPECT_GT(forwards_in_10s(0), 200U);
}

TEST(RoomPassingTalkers, WhoIsHeardByNobodyIsNotDecoded) {
  RoomHarness harness(plain());
  harness.add(voice_of(1));
  harness.run(2s);
  const auto before = harness.room().stats().decodes;
  harness.run(5s);
  EXPECT_LT(harness.room().stats().decodes - before, 10U);
}

// Verbatim and decoded by turns: a second talker says a word now and then, a listener turns the first down
// and up again. What a third hears is what it hears when everything is decoded and mixed.
TEST(RoomPassingTalkers, ComeBackIntoTheMixAsIfTheyHadNeverBeenAway) {
  const auto hear = [](bool forward) {
    auto config = plain();
    config.forward = forward;
    RoomHarness harness(config);
    const LegId anna = harness.add(voice_of(1, false));
    Voice word = voice_of(7, false);
    std::fill(word.pcm.begin() + 48'000, word.pcm.end(), 0.0F);
    word.pcm.resize(5 * 48'000);
    const LegId bert = harness.add(word);
    const LegId listener = harness.add(Voice{});
    const LegId other = harness.add(Voice{});
    for (const LegId leg : {anna, bert, other}) harness.ear(leg).wants_decode = false;
    for (int i = 0; i < 4; ++i) {
      harness.run(5s);
      harness.room().set_personal_gain(other, anna, i % 2 == 0 ? std::optional(-6.0F) : std::nullopt);
    }
    return std::pair(harness.ear(listener).pcm, harness.room().stats());
  };
  const auto [mixed, without] = hear(false);
  const auto [heard, with] = hear(true);
  EXPECT_EQ(without.passes, 0U);
  EXPECT_GT(with.passes, 100U);
  EXPECT_GT(with.mixed, 100U);
  EXPECT_LE(jump_ratio(std::span(mixed).subspan(48'000), std::span(heard).subspan(48'000)), 1.5);
  EXPECT_LE(peak(heard), peak(mixed) * 1.12);
}

// Honest at first, then full claims over silence.
TEST(RoomPassingTalkers, ALiarLosesItsPlaceThoughItIsNotDecoded) {
  RoomHarness harness(plain());
  auto media = harness.opus_leg();
  media.has_levels = true;
  Voice honest = voice_of(1);
  honest.pcm = speech(10, 1, {.pause_seconds = 0});
  honest.dtx = false;
  const LegId liar = harness.add(media, honest);
  harness.ear(liar).wants_decode = false;
  harness.add(Voice{});
  harness.run(5s);
  EXPECT_GT(harness.room().stats().passes, 100U);
  harness.claim(liar, 0);
  harness.say(liar, std::vector<float>(48'000));
  harness.run(1s);
  EXPECT_EQ(harness.room().stats().talkers, 0U);
}

// Auto level still learns how loud a talker is who is passed on.
TEST(RoomPassingTalkers, LoudnessIsMeasuredNowAndThen) {
  pipelines::RoomMediaConfig config;
  RoomHarness harness(config);
  auto media = harness.opus_leg();
  media.applies_gain = true;
  auto voice = voice_of(1);
  const double gain = std::pow(10.0, (-20.0 - rms_dbfs(voice.pcm)) / 20);
  for (float& sample : voice.pcm) sample *= static_cast<float>(gain);
  const LegId talker = harness.add(media, voice);
  harness.add(Voice{});
  harness.run(40s);
  EXPECT_GT(harness.room().stats().passes, 800U);
  EXPECT_FALSE(harness.advice.contains(talker)) << harness.advice[talker];
  for (float& sample : voice.pcm) sample *= 0.1F;
  harness.say(talker, voice.pcm);
  harness.run(40s);
  ASSERT_TRUE(harness.advice.contains(talker));
  EXPECT_GT(harness.advice[talker], 12);
}

}  // namespace
}  // namespace parley::test
