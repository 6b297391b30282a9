#include "mcu/quality/watch.hpp"

#include <gtest/gtest.h>

namespace parley::quality {
namespace {

class WatchTest : public testing::Test {
 protected:
  // "up bad", "down good" ...: what each pair of figures brings.
  std::string see(double up, double down = 4.4, const std::string& path = kMcuUdp) {
    Sample sample;
    sample.at_ms = at_ms_ += 5'000;
    sample.participant = "ann";
    sample.path = path;
    sample.uplink.mos = up;
    sample.downlink.mos = down;
    std::string out;
    for (const auto& change : watch_.take(sample, 3.6))
      out += std::string(out.empty() ? "" : ", ") + (change.uplink ? "up " : "down ") +
             (change.bad ? "bad" : "good");
    return out;
  }

  Watch watch_;
  std::int64_t at_ms_ = 0;
};

TEST_F(WatchTest, OneBadFigureIsAnAccidentTwoAreAState) {
  EXPECT_EQ(see(3.0), "");
  EXPECT_EQ(see(4.0), "");
  EXPECT_EQ(see(3.0), "");
  EXPECT_EQ(see(3.5), "up bad");
  EXPECT_EQ(see(3.0), "") << "once";
  EXPECT_EQ(watch_.bad().uplinks, 1U);
  EXPECT_EQ(watch_.bad().downlinks, 0U);
}

TEST_F(WatchTest, GoodAgainTakesThreeClearlyAboveTheThreshold) {
  see(3.0);
  ASSERT_EQ(see(3.0), "up bad");
  EXPECT_EQ(see(3.7), "") << "above the threshold, but within the margin";
  EXPECT_EQ(see(3.7), "");
  EXPECT_EQ(see(3.7), "");
  EXPECT_EQ(see(4.0), "");
  EXPECT_EQ(see(4.0), "");
  EXPECT_EQ(see(4.0), "up good");
  EXPECT_EQ(watch_.bad().uplinks, 0U);
}

TEST_F(WatchTest, SilenceSaysNothing) {
  see(3.0);
  EXPECT_EQ(see(-1), "");
  EXPECT_EQ(see(3.0), "up bad");
  EXPECT_EQ(see(-1), "");
  EXPECT_EQ(watch_.bad().uplinks, 1U);
  for (int i = 0; i < Watch::kForgetAfter; ++i) see(-1);
  EXPECT_EQ(watch_.bad().uplinks, 0U) << "for a minute nothing has been said";
}

TEST_F(WatchTest, DirectionsAndPathsAreWatchedByThemselves) {
  see(4.4, 3.0);
  EXPECT_EQ(see(4.4, 3.0), "down bad");
  EXPECT_EQ(see(3.0, 4.4, kDirect), "");
  EXPECT_EQ(see(3.0, 4.4, kDirect), "up bad");
  EXPECT_EQ(watch_.bad().uplinks, 1U);
  EXPECT_EQ(watch_.bad().downlinks, 1U);
  watch_.forget(at_ms_ + 1);
  EXPECT_EQ(watch_.bad().uplinks + watch_.bad().downlinks, 0U);
}

TEST(Watch, ZeroIsNoThreshold) {
  Watch watch;
  Sample sample;
  sample.uplink.mos = 1;
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(watch.take(sample, 0).empty());
}

}  // namespace
}  // namespace parley::quality
