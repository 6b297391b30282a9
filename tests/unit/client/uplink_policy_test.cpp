#include "client/uplink_policy.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace parley::client {
namespace {

TEST(UplinkPolicy, AGoodUplinkChangesNothing) {
  UplinkPolicy policy({});
  for (int i = 0; i < 20; ++i) EXPECT_EQ(policy.on_report(0.0), EncoderTuning{});
}

TEST(UplinkPolicy, LossRaisesFecAtOnceAndLowersItSlowly) {
  UplinkPolicy policy({});
  EXPECT_EQ(policy.on_report(0.12).expected_loss, 18);
  EXPECT_EQ(policy.tuning().bitrate, 32'000);  // FEC mends this much: no fewer bits
  EXPECT_GT(policy.on_report(0).expected_loss, 10);
  for (int i = 0; i < 20; ++i) policy.on_report(0);
  EXPECT_EQ(policy.tuning().expected_loss, 10);
}

TEST(UplinkPolicy, CongestionLowersTheBitrateToAFloorAndComesBack) {
  UplinkPolicy policy({});
  int last = 32'000;
  for (int i = 0; i < 10; ++i) {
    const int bitrate = policy.on_report(0.3).bitrate;
    EXPECT_LE(bitrate, last);
    last = bitrate;
  }
  EXPECT_EQ(last, 16'000);
  EXPECT_EQ(policy.tuning().expected_loss, 30);
  for (int i = 0; i < 40; ++i) policy.on_report(0);
  EXPECT_EQ(policy.tuning().bitrate, 32'000);
}

TEST(UplinkPolicy, OnlyLastingDireLossMakesLongerPackets) {
  UplinkPolicy policy({});
  policy.on_report(0.4);
  EXPECT_EQ(policy.on_report(0.4).ptime, 20ms);
  EXPECT_EQ(policy.on_report(0.4).ptime, 40ms);
  for (int i = 0; i < 12; ++i) policy.on_report(0);
  EXPECT_EQ(policy.tuning().ptime, 40ms);  // not yet: it must be good for a while
  for (int i = 0; i < 15; ++i) policy.on_report(0);
  EXPECT_EQ(policy.tuning().ptime, 20ms);
}

TEST(UplinkPolicy, KeepsWhatIsConfiguredBelowItsOwnFloor) {
  EncoderTuning small;
  small.bitrate = 12'000;
  small.ptime = 60ms;
  UplinkPolicy policy(small);
  for (int i = 0; i < 5; ++i) policy.on_report(0.5);
  EXPECT_EQ(policy.tuning().bitrate, 12'000);
  EXPECT_EQ(policy.tuning().ptime, 60ms);
}

TEST(UplinkPolicy, NonsenseIsBounded) {
  UplinkPolicy policy({});
  EXPECT_EQ(policy.on_report(std::numeric_limits<double>::quiet_NaN()), EncoderTuning{});
  EXPECT_EQ(policy.on_report(-5), EncoderTuning{});
  EXPECT_EQ(policy.on_report(1e9).expected_loss, 30);
}

}  // namespace
}  // namespace parley::client
