#include "client/path_aligner.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/speech.hpp"

namespace parley::client {
namespace {

constexpr std::size_t kTick = 960;

class PathAlignerTest : public testing::Test {
 protected:
  // A second of both paths; the server's is `lag` samples behind.
  void hear(const std::vector<float>& direct, std::size_t lag, const std::vector<float>* third = nullptr) {
    for (std::size_t at = 24'000; at + kTick <= 72'000; at += kTick) {
      std::vector<float> mcu(kTick);
      for (std::size_t i = 0; i < kTick; ++i)
        mcu[i] = direct[at + i - lag] + (third == nullptr ? 0.0F : (*third)[at + i]);
      aligner_.add(mcu, std::span(direct).subspan(at, kTick));
    }
  }
  PathAligner aligner_;
};

test::SpeechStyle talking() {
  test::SpeechStyle style;
  style.pause_seconds = 0;
  return style;
}

TEST_F(PathAlignerTest, FindsTheDifferenceToTheSample) {
  const auto speech = test::speech(2, 3, talking());
  for (const std::size_t lag : {0U, 5U, 960U, 1'791U, 5'777U, 12'000U, 19'200U}) {
    aligner_ = PathAligner();
    hear(speech, lag);
    const auto found = aligner_.lag();
    ASSERT_TRUE(found) << lag;
    EXPECT_NEAR(static_cast<double>(*found), static_cast<double>(lag), 1) << lag;
  }
}

TEST_F(PathAlignerTest, AThirdVoiceInTheMixDoesNotMatter) {
  auto style = talking();
  style.pitch_hz = 210;
  const auto third = test::speech(2, 8, style);
  hear(test::speech(2, 3, talking()), 4'800, &third);
  const auto found = aligner_.lag();
  ASSERT_TRUE(found);
  EXPECT_NEAR(static_cast<double>(*found), 4'800, 2);
}

TEST_F(PathAlignerTest, OfATonesManyAnswersTheNearest) {
  hear(test::tone(2, 500), 4'800 + 24);
  const auto found = aligner_.lag();
  ASSERT_TRUE(found);
  EXPECT_LE(*found, 96U);
  EXPECT_NEAR(static_cast<double>(*found % 96), 24, 1);
}

TEST_F(PathAlignerTest, SilenceAndStrangersHaveNoDifference) {
  EXPECT_FALSE(aligner_.lag());
  hear(std::vector<float>(96'000, 0.0F), 960);
  EXPECT_FALSE(aligner_.lag());
  test::Random random(5);
  std::vector<float> noise(kTick), other(kTick);
  for (int tick = 0; tick < 50; ++tick) {
    for (std::size_t i = 0; i < kTick; ++i) {
      noise[i] = static_cast<float>(random.next() % 1'000) / 5'000.0F - 0.1F;
      other[i] = static_cast<float>(random.next() % 1'000) / 5'000.0F - 0.1F;
    }
    aligner_.add(noise, other);
  }
  EXPECT_FALSE(aligner_.lag());
}

}  // namespace
}  // namespace parley::client
