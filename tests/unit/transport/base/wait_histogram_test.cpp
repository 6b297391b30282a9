#include "transport/base/wait_histogram.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace parley {
namespace {

TEST(WaitHistogram, AQuantileIsRightWithinAFifth) {
  for (const Duration wait : {16us, 17us, 23us, 50us, 800us, 1'000us, 5'700us, 20'000us, 333'000us}) {
    WaitHistogram waits;
    for (int i = 0; i < 10; ++i) waits.add(wait);
    EXPECT_NEAR(waits.quantile_ms(0.5) / to_ms(wait), 1, 0.2) << to_ms(wait);
  }
}

TEST(WaitHistogram, TellsTheManyFromTheFew) {
  WaitHistogram waits;
  EXPECT_EQ(waits.quantile_ms(0.5), 0);
  for (int i = 0; i < 90; ++i) waits.add(1ms);
  for (int i = 0; i < 10; ++i) waits.add(12ms);
  EXPECT_EQ(waits.count(), 100U);
  EXPECT_NEAR(waits.quantile_ms(0.5), 1, 0.2);
  EXPECT_NEAR(waits.quantile_ms(0.89), 1, 0.2);
  EXPECT_NEAR(waits.quantile_ms(0.95), 12, 2.4);
  EXPECT_NEAR(waits.quantile_ms(1), 12, 2.4);
}

TEST(WaitHistogram, HasAPlaceForEveryWait) {
  WaitHistogram waits;
  for (const Duration wait : {-5ms, 0ms, 3'600'000ms}) waits.add(wait);
  waits.add(Duration::max());
  waits.add(Duration::min());
  EXPECT_EQ(waits.count(), 5U);
  EXPECT_LT(waits.quantile_ms(0), 0.016);
  EXPECT_GT(waits.quantile_ms(1), 500);
}

}  // namespace
}  // namespace parley
