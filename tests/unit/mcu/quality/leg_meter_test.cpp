#include "mcu/quality/leg_meter.hpp"

#include <gtest/gtest.h>

namespace parley::quality {
namespace {

constexpr TimePoint kStart{100s};

class LegMeterTest : public testing::Test {
 protected:
  LegMeterTest() {
    totals_.round_trip_ms = 40;
    totals_.jitter_in_ms = 3;
    totals_.jitter_out_ms = 4;
    totals_.has_receiver = true;
    totals_.delay_ms = 45;
    totals_.target_ms = 50;
    read();
  }
  // 5 s later.
  Sample read(const std::optional<ClientSays>& client = std::nullopt, Codec codec = Codec::opus) {
    Sample out;
    meter_.read(at_ += 5s, codec, totals_, client, out);
    return out;
  }
  void up(std::uint64_t packets, std::uint64_t lost) {
    totals_.packets_in += packets;
    totals_.lost_in += lost;
    totals_.bytes_in += packets * 100;
  }
  void down(std::uint64_t packets, std::uint64_t lost) {
    totals_.packets_out += packets;
    totals_.lost_out += lost;
    totals_.bytes_out += packets * 80;
  }

  LegMeter meter_;
  LegTotals totals_;
  TimePoint at_ = kStart;
};

TEST_F(LegMeterTest, EachDirectionHasItsOwnFigures) {
  up(225, 25);
  down(250, 5);
  const auto found = read();
  EXPECT_EQ(found.round_trip_ms, 40);
  EXPECT_DOUBLE_EQ(found.uplink.loss, 0.1);
  EXPECT_DOUBLE_EQ(found.uplink.kbps, 36);
  EXPECT_EQ(found.uplink.jitter_ms, 3);
  EXPECT_EQ(found.uplink.delay_ms, 45);
  EXPECT_EQ(found.uplink.target_ms, 50);
  EXPECT_NEAR(found.downlink.loss, 5.0 / 255, 1e-12);
  EXPECT_DOUBLE_EQ(found.downlink.kbps, 32);
  EXPECT_EQ(found.downlink.jitter_ms, 4);
  EXPECT_EQ(found.downlink.delay_ms, -1) << "only the client knows";
  EXPECT_LT(found.uplink.mos, found.downlink.mos);
  EXPECT_NEAR(found.uplink.mos, mean_opinion_score({Codec::opus, 20 + 45 + kCodingDelayMs, 0.1}), 1e-9);
}

TEST_F(LegMeterTest, AnIntervalIsJudgedByItselfNotByTheWholeCall) {
  up(200, 50);
  EXPECT_DOUBLE_EQ(read().uplink.loss, 0.2);
  up(250, 0);
  EXPECT_DOUBLE_EQ(read().uplink.loss, 0);
  totals_.lost_in -= 10;  // late ones came after all
  up(240, 0);
  EXPECT_DOUBLE_EQ(read().uplink.loss, 0);
}

TEST_F(LegMeterTest, WhoIsSilentIsNotJudged) {
  up(12, 1);
  down(12, 3);
  const auto found = read(ClientSays{0, 0, 40, 40, 500});
  for (const auto* one : {&found.uplink, &found.downlink}) {
    EXPECT_EQ(one->loss, -1);
    EXPECT_EQ(one->jitter_ms, -1);
    EXPECT_EQ(one->target_ms, -1);
    EXPECT_EQ(one->concealed_ms, -1);
    EXPECT_EQ(one->mos, -1);
    EXPECT_GT(one->kbps, 0);
  }
}

TEST_F(LegMeterTest, WithoutReportsOfTheReceiverNothingIsKnownOfTheWayDown) {
  totals_.round_trip_ms = -1;
  up(250, 0);
  down(250, 0);
  const auto found = read();
  EXPECT_EQ(found.uplink.loss, 0);
  EXPECT_EQ(found.downlink.loss, -1);
  EXPECT_EQ(found.downlink.mos, -1);
}

TEST_F(LegMeterTest, FecAndConcealmentOfTheServersBuffer) {
  up(225, 25);
  totals_.fec = 20;
  totals_.concealed_samples = 4'800;
  const auto found = read();
  EXPECT_DOUBLE_EQ(found.uplink.recovered, 0.08);
  EXPECT_DOUBLE_EQ(found.uplink.concealed_ms, 100);
  up(225, 25);
  totals_.concealed_samples += 800;
  EXPECT_DOUBLE_EQ(read(std::nullopt, Codec::pcmu).uplink.concealed_ms, 100) << "8 kHz";
  up(225, 0);
  totals_.fec += 50;
  EXPECT_DOUBLE_EQ(read().uplink.recovered, 0) << "no more than was lost";
}

// The listener misses 20 %, half of that since a talker's uplink lost it; FEC filled three quarters of all.
TEST_F(LegMeterTest, OfWhatTheClientsFecFillsOnlyTheDownlinksShareCounts) {
  down(225, 25);
  const auto found = read(ClientSays{0.2, 0.15, 60, 65, 120});
  EXPECT_DOUBLE_EQ(found.downlink.loss, 0.1);
  EXPECT_DOUBLE_EQ(found.downlink.recovered, 0.075);
  EXPECT_EQ(found.downlink.delay_ms, 60);
  EXPECT_EQ(found.downlink.target_ms, 65);
  EXPECT_EQ(found.downlink.concealed_ms, 120);
  EXPECT_NEAR(found.downlink.mos, mean_opinion_score({Codec::opus, 20 + 60 + kCodingDelayMs, 0.025}), 1e-9);
}

TEST_F(LegMeterTest, NonsenseOfAClientStaysWithinBounds) {
  down(225, 25);
  const auto found = read(ClientSays{0.01, 1, -1, -1, -1});
  EXPECT_DOUBLE_EQ(found.downlink.recovered, found.downlink.loss);
  EXPECT_LE(found.downlink.mos, 4.5);
}

TEST(LegMeter, TheFirstIntervalIsTheTimeSinceTheLegBegan) {
  LegMeter meter;
  LegTotals totals;
  totals.packets_in = 90;
  totals.lost_in = 10;
  totals.bytes_in = 9'000;
  Sample out;
  meter.read(kStart, Codec::opus, totals, std::nullopt, out);
  EXPECT_DOUBLE_EQ(out.uplink.loss, 0.1);
  EXPECT_EQ(out.uplink.kbps, -1) << "when it began is not known";
  EXPECT_EQ(meter.last(), kStart);
}

}  // namespace
}  // namespace parley::quality
