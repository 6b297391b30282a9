#include "client/suspend_watch.hpp"

#include <gtest/gtest.h>

namespace parley::client {
namespace {

TEST(SuspendWatch, NoticesSleepOnceAndNothingElse) {
  SuspendWatch watch;
  Duration clock = 5h;  // a machine that has been up for a while is no sleeper
  EXPECT_FALSE(watch.awoke(clock));
  for (int i = 0; i < 20; ++i) EXPECT_FALSE(watch.awoke(clock += 200ms)) << i;
  EXPECT_FALSE(watch.awoke(clock += SuspendWatch::kAsleep - 1ms));  // a machine that was very busy
  EXPECT_TRUE(watch.awoke(clock += 8h));
  EXPECT_FALSE(watch.awoke(clock += 200ms));
}

TEST(SuspendWatch, TheClockCountsUpwards) {
  const Duration first = time_since_boot();
  EXPECT_GT(first, 0ms);
  EXPECT_GE(time_since_boot(), first);
}

}  // namespace
}  // namespace parley::client
