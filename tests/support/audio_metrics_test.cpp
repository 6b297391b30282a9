#include "tests/support/audio_metrics.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/speech.hpp"

namespace parley::test {
namespace {

TEST(AudioMetrics, ToneIsMeasuredAndNeighboursAreNot) {
  const auto samples = tone(1, 440, 0.25);
  EXPECT_NEAR(tone_amplitude(samples, 440), 0.25, 1e-3);
  EXPECT_LT(tone_dbfs(samples, 520), -90);
  EXPECT_NEAR(rms_dbfs(samples), to_db(0.25) - 3.01, 0.05);
}

TEST(AudioMetrics, ThdSeesClippingOnly) {
  auto samples = tone(1, 997, 0.9);
  EXPECT_LT(thd_n(samples, 997), 1e-4);
  for (auto& s : samples) s = std::clamp(s, -0.6F, 0.6F);
  EXPECT_GT(thd_n(samples, 997), 0.05);
}

TEST(AudioMetrics, DelayIsFoundToTheSample) {
  const auto voice = speech(2, 3);
  std::vector<float> delayed(voice.size() + 1'234);
  for (std::size_t i = 0; i < voice.size(); ++i) delayed[i + 1'234] = 0.5F * voice[i];
  const auto delay = correlation_delay(voice, delayed, 4'800);
  EXPECT_EQ(delay.samples, 1'234);
  EXPECT_GT(delay.score, 0.99);
}

TEST(AudioMetrics, DistanceIsZeroForEqualAndKnownForGain) {
  const auto voice = speech(2, 3);
  EXPECT_EQ(quantile(lsd_frames(voice, voice), 1), 0);
  auto half = voice;
  for (auto& s : half) s *= 0.5F;
  EXPECT_NEAR(quantile(lsd_frames(voice, half, {.range_db = 120}), 0.5), 6, 0.1);
}

TEST(AudioMetrics, ClickAndPhaseStepAreSeen) {
  const auto smooth = tone(1, 500, 0.3);
  auto cut = smooth;
  cut.erase(cut.begin() + 24'010, cut.begin() + 24'030);
  EXPECT_GT(jump_ratio(smooth, cut), 5);
  const auto phase = tone_phase(cut, 500, 960);
  EXPECT_NEAR(phase.back() - phase.front(), 20, 0.5);
}

TEST(AudioMetrics, ErrorAndClipping) {
  const auto voice = speech(1, 4);
  auto noisy = voice;
  Random random(1);
  const double level = 0.1 * rms(voice);
  for (auto& s : noisy) s += static_cast<float>(level * random.normal());
  EXPECT_NEAR(error_db(voice, noisy), -20, 0.5);
  std::vector<float> full(10, 1.0F);
  EXPECT_EQ(clipped_runs(full), 1U);
}

}  // namespace
}  // namespace parley::test
