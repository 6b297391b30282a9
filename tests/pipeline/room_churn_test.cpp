// People come and go, twenty a second; those who stay hear no gap, no click, no change of level.
#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>

#include "tests/pipeline/room_harness.hpp"
#include "tests/support/audio_metrics.hpp"
#include "tests/support/speech.hpp"

namespace parley::test {
namespace {

constexpr double kHz = 440;

std::vector<float> stay(bool churn) {
  pipelines::RoomMediaConfig config;
  config.auto_level = pipelines::AutoLevel::off;
  config.forward = false;
  RoomHarness harness(config);
  static const auto tone_track = std::make_shared<Track>(keyed_tone(0.5, kHz, 0.25), 20ms, Track::Options{});
  static const auto noise_track = [] {
    Random random(2);
    std::vector<float> noise(96'000);
    for (float& sample : noise) sample = static_cast<float>(0.0003 * random.normal());
    return std::make_shared<Track>(std::move(noise), 20ms, Track::Options{});
  }();
  Voice talker;
  talker.track = tone_track;
  harness.ear(harness.add(talker)).wants_decode = false;
  const LegId stayer = harness.add(Voice{});
  std::vector<LegId> others;
  const auto join = [&](int i) {
    auto media = harness.opus_leg();
    Voice voice;
    voice.track = noise_track;
    if (i % 7 == 3) {  // some bring G.711
      media.codec = Codec::pcmu;
      voice.track = nullptr;
      voice.pcm = std::vector<float>(960);
    }
    others.push_back(harness.add(media, voice));
    harness.ear(others.back()).wants_decode = false;
  };
  for (int i = 0; i < 48; ++i) join(i);
  harness.run(2s);
  for (int i = 0; i < 30 * 20; ++i) {
    if (churn) {
      harness.remove(others.front());
      others.erase(others.begin());
      join(i);
    }
    harness.run(i % 2 == 0 ? 40ms : 60ms);
  }
  EXPECT_EQ(harness.room().stats().legs, 50U);
  const auto& ticks = harness.ear(stayer).ticks;
  std::size_t gap = 0;
  std::size_t longest = 0;
  for (std::size_t i = 100; i < ticks.size(); ++i) {
    gap = ticks[i].size == 0 ? gap + 1 : 0;
    longest = std::max(longest, gap);
  }
  // The tone pauses for 200 ms, too short for the class to stop sending.
  EXPECT_LE(longest, 1U);
  return harness.ear(stayer).pcm;
}

TEST(RoomChurn, ThoseWhoStayHearNothingOfIt) {
  const auto quiet = stay(false);
  const auto churned = stay(true);
  ASSERT_EQ(quiet.size(), churned.size());
  double worst_level = 0;
  for (std::size_t at = 96'000; at + 24'000 <= quiet.size(); at += 24'000) {
    const double difference = tone_dbfs(std::span(churned).subspan(at, 24'000), kHz) -
                              tone_dbfs(std::span(quiet).subspan(at, 24'000), kHz);
    worst_level = std::max(worst_level, std::abs(difference));
  }
  const double jump = jump_ratio(std::span(quiet).subspan(96'000), std::span(churned).subspan(96'000));
  std::cout << "level within " << worst_level << " dB, jump ratio " << jump << "\n";
  EXPECT_LE(worst_level, 1.0);
  EXPECT_LE(jump, 1.5);
}

// Talkers who leave in the middle of a word fade out.
TEST(RoomChurn, TalkersWhoComeAndGoDoNotClick) {
  pipelines::RoomMediaConfig config;
  config.auto_level = pipelines::AutoLevel::off;
  RoomHarness harness(config);
  // The talker itself begins softly: what clicks then is ours.
  auto soft = tone(2, 700, 0.3);
  for (std::size_t i = 0; i < 4'800; ++i) soft[i] *= static_cast<float>(i) / 4'800;
  const LegId listener = harness.add(Voice{});
  double steepest = 0;
  for (int i = 0; i < 20; ++i) {
    auto media = harness.opus_leg();
    media.has_levels = true;
    Voice voice;
    voice.pcm = soft;
    voice.dtx = false;
    const LegId talker = harness.add(media, voice);
    harness.ear(talker).wants_decode = false;
    harness.run(600ms);
    if (i == 0) steepest = largest_second_difference(harness.ear(listener).seconds(-0.2, 0));
    harness.remove(talker);
    harness.run(400ms);
  }
  const auto& heard = harness.ear(listener).pcm;
  EXPECT_LE(largest_second_difference(std::span(heard).subspan(48'000)), 3 * steepest);
}

}  // namespace
}  // namespace parley::test
