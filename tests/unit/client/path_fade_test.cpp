#include "client/path_fade.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

namespace parley::client {
namespace {

using Kind = media::PulledKind;

// The server's path says 0.25, the direct one 0.5: the output tells which is heard.
class PathFadeTest : public testing::Test {
 protected:
  float tick(bool wanted, Kind mcu, Kind direct) {
    mcu_.fill(mcu == Kind::silence ? 0.0F : 0.25F);
    direct_.fill(direct == Kind::silence ? 0.0F : 0.5F);
    fade_.mix(wanted, {mcu, mcu_}, {direct, direct_}, out_);
    return out_.back();
  }
  // Ticks until the path changes, at most 100.
  int ticks_until(bool on_direct, bool wanted, Kind mcu, Kind direct) {
    for (int i = 0; i < 100; ++i) {
      if (fade_.on_direct() == on_direct) return i;
      tick(wanted, mcu, direct);
    }
    return 100;
  }

  PathFade fade_;
  std::array<float, 960> mcu_, direct_, out_;
};

TEST_F(PathFadeTest, TheServerIsHeardUntilBothAgree) {
  for (int i = 0; i < 50; ++i) EXPECT_EQ(tick(false, Kind::decoded, Kind::decoded), 0.25F);
  EXPECT_LE(ticks_until(true, true, Kind::decoded, Kind::decoded), 20);
  EXPECT_EQ(tick(true, Kind::decoded, Kind::decoded), 0.5F);
}

TEST_F(PathFadeTest, ItWaitsForAPauseButNotForEver) {
  for (int i = 0; i < 10; ++i) tick(false, Kind::decoded, Kind::decoded);
  EXPECT_LE(ticks_until(true, true, Kind::silence, Kind::silence), 1);
}

TEST_F(PathFadeTest, TheChangeIsARampAndNoStep) {
  for (int i = 0; i < 10; ++i) tick(false, Kind::decoded, Kind::decoded);
  while (!fade_.on_direct()) tick(true, Kind::decoded, Kind::decoded);
  for (std::size_t i = 1; i < out_.size(); ++i) EXPECT_LT(std::abs(out_[i] - out_[i - 1]), 0.001F) << i;
  EXPECT_EQ(out_.back(), 0.5F);
}

TEST_F(PathFadeTest, ADirectPathThatRunsDryIsLeftAtOnceIfTheServerHasSound) {
  ASSERT_LT(ticks_until(true, true, Kind::decoded, Kind::decoded), 100);
  for (int i = 0; i < 5; ++i) tick(true, Kind::silence, Kind::concealed);
  EXPECT_TRUE(fade_.on_direct());  // the server has nothing better
  tick(true, Kind::decoded, Kind::concealed);
  EXPECT_FALSE(fade_.on_direct());
  EXPECT_GE(ticks_until(true, true, Kind::decoded, Kind::decoded),
            10);  // and it is not trusted again at once
}

TEST_F(PathFadeTest, BackToTheServerOnlyWhenItsPathHasBegun) {
  ASSERT_LT(ticks_until(true, true, Kind::decoded, Kind::decoded), 100);
  for (int i = 0; i < 30; ++i) EXPECT_EQ(tick(false, Kind::silence, Kind::decoded), 0.5F) << i;
  EXPECT_LE(ticks_until(false, false, Kind::decoded, Kind::decoded), 16);
  EXPECT_EQ(tick(false, Kind::decoded, Kind::silence), 0.25F);
}

}  // namespace
}  // namespace parley::client
