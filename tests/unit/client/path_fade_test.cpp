#include "client/path_fade.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "tests/support/course.hpp"
#include "tests/support/speech.hpp"

namespace parley::client {
namespace {

using Kind = media::PulledKind;
constexpr std::size_t kTick = 960;

// One talker on both paths, the server's later by so many samples.
class PathFadeTest : public testing::TestWithParam<std::size_t> {
 protected:
  PathFadeTest() {
    test::SpeechStyle style;
    style.pause_seconds = 0.3;
    said_ = test::speech(12, 3, style);
  }
  std::vector<float> said(std::size_t lag) const {
    const std::size_t at = heard_.size();
    std::vector<float> sound(kTick, 0.0F);
    for (std::size_t i = 0; i < kTick; ++i)
      if (at + i >= lag) sound[i] = said_[at + i - lag];
    return sound;
  }
  void tick(bool wanted, Kind mcu, Kind direct) {
    const auto bring = [&](Kind kind, std::size_t lag) {
      return kind == Kind::silence || kind == Kind::concealed ? std::vector<float>(kTick, 0.0F) : said(lag);
    };
    const auto from_mcu = bring(mcu, GetParam()), from_peer = bring(direct, direct_behind_);
    std::array<float, kTick> out;
    fade_.mix(wanted, {mcu, from_mcu}, {direct, from_peer}, out);
    heard_.insert(heard_.end(), out.begin(), out.end());
  }
  // Ticks until the path changes, at most 100.
  int ticks_until(bool on_direct, bool wanted, Kind mcu, Kind direct) {
    for (int i = 0; i < 100; ++i) {
      if (fade_.on_direct() == on_direct) return i;
      tick(wanted, mcu, direct);
    }
    return 100;
  }
  void pass(int ticks, bool wanted, Kind mcu, Kind direct) {
    for (int i = 0; i < ticks; ++i) tick(wanted, mcu, direct);
  }
  test::Course course() const { return test::follow(said_, heard_); }

  std::size_t direct_behind_ = 0;
  std::vector<float> said_, heard_;
  PathFade fade_;
};

TEST_P(PathFadeTest, ThereAndBackNothingIsHeardTwiceOrLeftOut) {
  pass(75, false, Kind::decoded, Kind::decoded);
  EXPECT_FALSE(fade_.on_direct());
  EXPECT_LE(ticks_until(true, true, Kind::decoded, Kind::decoded), 37);
  pass(150, true, Kind::silence, Kind::decoded);  // the server's path is quiet
  EXPECT_EQ(fade_.kept_back(), 0U);               // nothing of the delay is left
  EXPECT_LE(ticks_until(false, false, Kind::decoded, Kind::decoded), 37);
  pass(100, false, Kind::decoded, Kind::silence);
  const auto course = this->course();
  EXPECT_EQ(course.repeated_ms, 0);
  EXPECT_EQ(course.skipped_ms, 0);
  EXPECT_GT(course.looks, 150);
  EXPECT_NEAR(course.delay_end_ms, static_cast<double>(GetParam()) / 48, 1);
}

TEST_P(PathFadeTest, WhereThePathDiesTheServersIsTakenUpWhereItEnded) {
  pass(75, false, Kind::decoded, Kind::decoded);
  ASSERT_LT(ticks_until(true, true, Kind::decoded, Kind::decoded), 100);
  pass(150, true, Kind::decoded, Kind::decoded);  // both carry sound: a path that loses packets
  const int dead = ticks_until(false, true, Kind::decoded, Kind::concealed);
  EXPECT_LE(dead * 20, std::max(60.0, static_cast<double>(GetParam()) / 48 + 40));
  pass(25, true, Kind::decoded, Kind::silence);
  EXPECT_EQ(course().repeated_ms, 0);
  EXPECT_LE(course().skipped_ms, 40);
}

// A packet that came late has moved the direct path by a tick just before.
TEST_P(PathFadeTest, WhereThePathDiesAfterAHiccupTheDifferenceIsLookedAtAgain) {
  if (GetParam() < 2'000) GTEST_SKIP() << "no difference to speak of";
  pass(75, false, Kind::decoded, Kind::decoded);
  ASSERT_LT(ticks_until(true, true, Kind::decoded, Kind::decoded), 100);
  pass(150, true, Kind::decoded, Kind::decoded);
  tick(true, Kind::decoded, Kind::concealed);
  direct_behind_ = kTick;
  pass(4, true, Kind::decoded, Kind::decoded);
  ticks_until(false, true, Kind::decoded, Kind::concealed);
  pass(25, true, Kind::decoded, Kind::silence);
  EXPECT_LE(course().repeated_ms, 21);  // the tick that the direct path said twice itself
  EXPECT_LE(course().skipped_ms, 21);
}

// Of a direct path that loses packets so much is kept back that its death would cost next to nothing, and it
// is still ahead by more than a tick.
TEST_P(PathFadeTest, WhileBothCarrySoundTheyAreAllButLevel) {
  pass(75, false, Kind::decoded, Kind::decoded);
  ASSERT_LT(ticks_until(true, true, Kind::decoded, Kind::decoded), 100);
  pass(150, true, Kind::decoded, Kind::decoded);
  const double lag_ms = static_cast<double>(GetParam()) / 48;
  EXPECT_NEAR(static_cast<double>(fade_.kept_back()) / 48, std::clamp(lag_ms - 30, 0.0, 80.0), 5);
  pass(150, true, Kind::silence, Kind::decoded);
  EXPECT_EQ(fade_.kept_back(), 0U);
  pass(100, true, Kind::decoded, Kind::decoded);  // trouble again
  EXPECT_EQ(course().repeated_ms, 0);
  EXPECT_EQ(course().skipped_ms, 0);
  EXPECT_LE(course().delay_end_ms, std::max(1.0, lag_ms - 20));
}

TEST_P(PathFadeTest, AHiccupIsNoReasonToChange) {
  pass(75, false, Kind::decoded, Kind::decoded);
  ASSERT_LT(ticks_until(true, true, Kind::decoded, Kind::decoded), 100);
  for (int i = 0; i < 20; ++i) {
    tick(true, Kind::decoded, Kind::concealed);
    EXPECT_TRUE(fade_.on_direct());
    pass(4, true, Kind::decoded, Kind::decoded);
  }
}

TEST_P(PathFadeTest, ADirectPathThatRunsDryIsLeftWhenTheServerHasSound) {
  pass(75, false, Kind::decoded, Kind::decoded);
  ASSERT_LT(ticks_until(true, true, Kind::decoded, Kind::decoded), 100);
  pass(10, true, Kind::silence, Kind::concealed);
  EXPECT_TRUE(fade_.on_direct());  // the server has nothing better
  tick(true, Kind::decoded, Kind::concealed);
  EXPECT_FALSE(fade_.on_direct());
  EXPECT_GE(ticks_until(true, true, Kind::decoded, Kind::decoded),
            10);  // and it is not trusted again at once
}

TEST_P(PathFadeTest, BackToTheServerOnlyWhenItsPathHasBegun) {
  pass(75, false, Kind::decoded, Kind::decoded);
  ASSERT_LT(ticks_until(true, true, Kind::decoded, Kind::decoded), 100);
  pass(20, false, Kind::silence, Kind::decoded);
  EXPECT_TRUE(fade_.on_direct());
  EXPECT_LE(ticks_until(false, false, Kind::decoded, Kind::decoded), 37);
}

TEST_P(PathFadeTest, NothingIsAskedOfWhoIsSilent) {
  pass(20, false, Kind::silence, Kind::silence);
  EXPECT_LE(ticks_until(true, true, Kind::silence, Kind::silence), 1);
  EXPECT_LE(ticks_until(false, false, Kind::silence, Kind::silence), 16);
}

INSTANTIATE_TEST_SUITE_P(Lag, PathFadeTest, testing::Values(0U, 963U, 3'100U, 5'000U, 8'711U),
                         [](const auto& row) { return std::to_string(row.param / 48) + "_ms"; });

}  // namespace
}  // namespace parley::client
