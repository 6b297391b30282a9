#include "client/quality_meter.hpp"

#include <gtest/gtest.h>

namespace parley::client {
namespace {

constexpr TimePoint kStart{100s};

QualityMeter::Reading reading(std::uint64_t in, std::uint64_t lost_in, std::uint64_t out,
                              std::uint64_t lost_out) {
  QualityMeter::Reading made;
  made.traffic.packets_in = in;
  made.traffic.lost_in = lost_in;
  made.traffic.packets_out = out;
  made.traffic.lost_out = lost_out;
  made.traffic.bytes_in = in * 100;
  made.traffic.bytes_out = out * 50;
  made.traffic.jitter_in_ms = 4;
  made.traffic.jitter_out_ms = 6;
  made.traffic.round_trip_ms = 30;
  return made;
}

TEST(QualityMeter, TheFirstReadingOnlyBegins) {
  QualityMeter meter;
  EXPECT_FALSE(meter.has_begun());
  EXPECT_FALSE(meter.read(kStart, Codec::opus, reading(1'000, 100, 1'000, 100)));
  EXPECT_TRUE(meter.has_begun());
  const auto next = meter.read(kStart + 5s, Codec::opus, reading(1'240, 110, 1'250, 100));
  ASSERT_TRUE(next);
  EXPECT_DOUBLE_EQ(next->downlink.loss, 0.04);
  EXPECT_DOUBLE_EQ(next->uplink.loss, 0);
  EXPECT_DOUBLE_EQ(next->downlink.kbps, 240 * 100 * 8 / 5'000.0);
  EXPECT_DOUBLE_EQ(next->uplink.kbps, 250 * 50 * 8 / 5'000.0);
  EXPECT_EQ(next->round_trip_ms, 30);
  EXPECT_EQ(next->uplink.jitter_ms, 6);
  EXPECT_EQ(next->downlink.jitter_ms, 4);
  EXPECT_GT(next->uplink.mos, 4.3);
  EXPECT_LT(next->downlink.mos, next->uplink.mos);
}

TEST(QualityMeter, SilenceIsNotJudged) {
  QualityMeter meter;
  meter.read(kStart, Codec::opus, reading(0, 0, 0, 0));
  const auto quiet = meter.read(kStart + 5s, Codec::opus, reading(12, 1, 3, 0));
  ASSERT_TRUE(quiet);
  for (const auto* one : {&quiet->uplink, &quiet->downlink}) {
    EXPECT_EQ(one->loss, -1);
    EXPECT_EQ(one->jitter_ms, -1);
    EXPECT_EQ(one->mos, -1);
    EXPECT_GE(one->kbps, 0);
  }
  EXPECT_EQ(quiet->downlink.target_ms, -1);
}

TEST(QualityMeter, TheReceiverTellsWhatItMadeUpAndWhatFecRebuilt) {
  QualityMeter meter;
  meter.read(kStart, Codec::opus, reading(0, 0, 0, 0));
  auto now = reading(180, 20, 0, 0);
  now.receiver.fec = 15;
  now.receiver.concealed_samples = 4'800;
  now.receiver.delay = 55ms;
  now.receiver.target = 60ms;
  const auto found = meter.read(kStart + 5s, Codec::opus, now);
  ASSERT_TRUE(found);
  EXPECT_DOUBLE_EQ(found->downlink.loss, 0.1);
  EXPECT_NEAR(found->downlink.recovered, 0.075, 1e-9);
  EXPECT_DOUBLE_EQ(found->downlink.concealed_ms, 100);
  EXPECT_DOUBLE_EQ(found->downlink.delay_ms, 55);
  EXPECT_DOUBLE_EQ(found->downlink.target_ms, 60);
}

TEST(QualityMeter, AnOddMomentIsNotTheDelayOfAnInterval) {
  QualityMeter meter;
  meter.note_delay(3s);
  meter.read(kStart, Codec::opus, reading(0, 0, 0, 0));
  for (int i = 0; i < 24; ++i) meter.note_delay(40ms);
  meter.note_delay(2'540ms);
  auto now = reading(250, 0, 250, 0);
  now.receiver.delay = 2'540ms;
  EXPECT_DOUBLE_EQ(meter.read(kStart + 5s, Codec::opus, now)->downlink.delay_ms, 140);
}

TEST(QualityMeter, WithoutReportsOfTheOtherEndNothingIsKnownOfTheWayThere) {
  QualityMeter meter;
  auto now = reading(0, 0, 0, 0);
  meter.read(kStart, Codec::opus, now);
  now = reading(250, 0, 250, 0);
  now.traffic.round_trip_ms = -1;
  const auto found = meter.read(kStart + 5s, Codec::opus, now);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->uplink.loss, -1);
  EXPECT_EQ(found->uplink.mos, -1);
  EXPECT_EQ(found->downlink.loss, 0);
}

// A new leg counts from zero: no figure may become negative or huge.
TEST(QualityMeter, TotalsThatFallDoNoHarm) {
  QualityMeter meter;
  meter.read(kStart, Codec::opus, reading(1'000, 50, 1'000, 50));
  const auto after = meter.read(kStart + 5s, Codec::opus, reading(10, 0, 10, 0));
  ASSERT_TRUE(after);
  EXPECT_EQ(after->downlink.loss, -1);
  EXPECT_EQ(after->downlink.kbps, 0);
  EXPECT_FALSE(meter.read(kStart + 5s, Codec::opus, reading(10, 0, 10, 0))) << "no time has passed";
}

TEST(MosTally, MeanAndWorst) {
  MosTally tally;
  EXPECT_EQ(tally.summary().mean, -1);
  EXPECT_EQ(tally.summary().worst, -1);
  for (const double mos : {4.0, -1.0, 2.0, 3.0}) tally.add(mos);
  EXPECT_DOUBLE_EQ(tally.summary().mean, 3);
  EXPECT_DOUBLE_EQ(tally.summary().worst, 2);
}

}  // namespace
}  // namespace parley::client
