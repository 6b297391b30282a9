#include "mcu/room/rate_limiter.hpp"

#include <gtest/gtest.h>

#include <string>

namespace parley::room {
namespace {

int taken(TokenBucket& bucket, TimePoint at, int attempts) {
  int count = 0;
  for (int i = 0; i < attempts; ++i) count += bucket.take(at) ? 1 : 0;
  return count;
}

TEST(TokenBucket, LetsABurstThroughThenTheRate) {
  TokenBucket bucket(2, 5);
  const TimePoint start{100s};
  EXPECT_EQ(taken(bucket, start, 10), 5);
  EXPECT_EQ(taken(bucket, start + 499ms, 10), 0);
  EXPECT_EQ(taken(bucket, start + 500ms, 10), 1);
  EXPECT_EQ(taken(bucket, start + 2s, 10), 3);
  EXPECT_EQ(taken(bucket, start + 1h, 10), 5);
}

TEST(TokenBucket, ManySmallStepsLoseNothing) {
  TokenBucket bucket(10, 1);
  TimePoint at{1s};
  int count = 0;
  for (int ms = 0; ms < 10'000; ++ms) count += bucket.take(at + ms * 1ms) ? 1 : 0;
  EXPECT_NEAR(count, 100, 2);
}

TEST(TokenBucket, RateZeroIsNoLimit) {
  TokenBucket bucket(0, 0);
  EXPECT_EQ(taken(bucket, TimePoint{1s}, 1000), 1000);
}

TEST(AddressLimiter, CountsEachAddressForItself) {
  AddressLimiter limiter(1, 2);
  const TimePoint at{1s};
  EXPECT_TRUE(limiter.take(at, "192.0.2.1"));
  EXPECT_TRUE(limiter.take(at, "192.0.2.1"));
  EXPECT_FALSE(limiter.take(at, "192.0.2.1"));
  EXPECT_TRUE(limiter.take(at, "192.0.2.2"));
  EXPECT_FALSE(limiter.available(at, "192.0.2.1"));
  EXPECT_TRUE(limiter.available(at, "192.0.2.2"));
}

TEST(AddressLimiter, OneSubscribersIpv6AddressesAreOne) {
  AddressLimiter limiter(1, 1);
  const TimePoint at{1s};
  EXPECT_TRUE(limiter.take(at, "2001:db8:1:2::1"));
  EXPECT_FALSE(limiter.take(at, "2001:db8:1:2:ffff::9"));
  EXPECT_TRUE(limiter.take(at, "2001:db8:1:3::1"));
}

TEST(AddressLimiter, AFloodOfAddressesSharesOneBucketAndThenIsForgotten) {
  AddressLimiter limiter(1, 1);
  const TimePoint at{100s};
  int admitted = 0;
  for (int i = 0; i < 20'000; ++i) {
    const auto ip = "10." + std::to_string(i / 65536) + "." + std::to_string(i / 256 % 256) + "." +
                    std::to_string(i % 256);
    admitted += limiter.take(at, ip) ? 1 : 0;
  }
  EXPECT_EQ(admitted, static_cast<int>(AddressLimiter::kMaxAddresses) + 1);
  EXPECT_TRUE(limiter.take(at + 2s, "203.0.113.1"));
  EXPECT_TRUE(limiter.take(at + 2s, "203.0.113.2"));
}

}  // namespace
}  // namespace parley::room
