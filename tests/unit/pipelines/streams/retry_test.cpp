#include "pipelines/streams/retry.hpp"

#include <gtest/gtest.h>

namespace parley::streams {
namespace {

const TimePoint kStart = TimePoint{} + 1h;

// Fails at once, whenever it is tried.
TEST(Retry, WaitsLongerEachTimeButNeverTooLong) {
  Retry retry(kStart, 7);
  TimePoint at = kStart;
  Duration last{};
  for (int i = 0; i < 20; ++i) {
    ASSERT_EQ(retry.state(), StreamState::connecting);
    retry.failed(at, "Connection refused", Failure::network);
    ASSERT_EQ(retry.state(), StreamState::retrying);
    const Duration pause = retry.next() - at;
    EXPECT_LE(pause, Retry::kMostNetwork * 6 / 5);
    EXPECT_GE(pause, Retry::kFirst * 4 / 5);
    const bool must_grow = i == 1 || i == 2;
    EXPECT_TRUE(!must_grow || pause > last);
    last = pause;
    EXPECT_FALSE(retry.due(retry.next() - 1ms));
    at = retry.next();
    EXPECT_TRUE(retry.due(at));
  }
  EXPECT_EQ(retry.failures(), 20U);
  EXPECT_EQ(retry.cause(), "Connection refused");
}

TEST(Retry, IsFoundWithinFiveSecondsOfItsReturn) {
  EXPECT_LT(Retry::kMostNetwork * 6 / 5, 5s);
}

TEST(Retry, ARefusalIsAskedLessOften) {
  Retry retry(kStart, 7);
  TimePoint at = kStart;
  for (int i = 0; i < 12; ++i) {
    retry.failed(at, "401", Failure::refused);
    at = retry.next();
    retry.due(at);
  }
  retry.failed(at, "401", Failure::refused);
  EXPECT_GE(retry.next() - at, Retry::kMostRefused * 4 / 5);
  EXPECT_LE(retry.next() - at, Retry::kMostRefused * 6 / 5);
}

TEST(Retry, BeingUpForAMomentDoesNotResetThePause) {
  Retry retry(kStart, 7);
  TimePoint at = kStart;
  for (int i = 0; i < 8; ++i) {
    retry.delivered(at);
    ASSERT_EQ(retry.state(), StreamState::live);
    at += 2s;
    retry.failed(at, "publish denied", Failure::network);
    if (i < 7) {
      at = retry.next();
      ASSERT_TRUE(retry.due(at));
    }
  }
  EXPECT_GT(retry.next() - at, 2s);
  at = retry.next();
  retry.due(at);
  retry.delivered(at);
  EXPECT_EQ(retry.cause(), "");
  at += Retry::kSettled;
  retry.failed(at, "gone", Failure::network);
  EXPECT_LT(retry.next() - at, 700ms);
}

TEST(Retry, TwoStreamsDoNotKnockInStep) {
  Retry a(kStart, 1), b(kStart, 99);
  a.failed(kStart, "x", Failure::network);
  b.failed(kStart, "x", Failure::network);
  EXPECT_NE(a.next(), b.next());
}

TEST(Retry, TenThousandFailuresWriteADozenLines) {
  Retry retry(kStart, 7);
  TimePoint at = kStart;
  int lines = 0;
  for (int i = 0; i < 10'000; ++i) {
    retry.failed(at, "Connection refused", Failure::network);
    lines += retry.worth_a_line() ? 1 : 0;
    at = retry.next();
    retry.due(at);
  }
  EXPECT_LE(lines, 15);
  retry.failed(at, "another cause", Failure::network);
  EXPECT_TRUE(retry.worth_a_line());
}

TEST(Retry, StoppedStaysStopped) {
  Retry retry(kStart, 7);
  retry.stop(kStart);
  retry.failed(kStart, "x", Failure::network);
  retry.delivered(kStart);
  EXPECT_FALSE(retry.due(kStart + 1h));
  EXPECT_EQ(retry.state(), StreamState::stopped);
  EXPECT_EQ(retry.failures(), 0U);
}

}  // namespace
}  // namespace parley::streams
