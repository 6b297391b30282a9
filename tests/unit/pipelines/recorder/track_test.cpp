#include "pipelines/recorder/track.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <string>

#include "pipelines/recorder/opus_output.hpp"
#include "tests/unit/pipelines/recorder/memory_file.hpp"

namespace parley::recorder {
namespace {

const TimePoint kOrigin{1'000s};

// A sender: a frame of CELT every 20 ms of its own clock, whose payload tells its number.
struct Sender {
  double ppm = 0;
  std::uint32_t first_timestamp = 0xffff'0000U;  // wraps soon
  std::uint16_t first_sequence = 65'530;

  MediaPacket packet(std::uint32_t number, Duration delay = 20ms, std::uint8_t level = 30) const {
    MediaPacket p;
    p.ssrc = 1;
    p.sequence = static_cast<std::uint16_t>(first_sequence + number);
    p.timestamp = first_timestamp + number * 960;
    p.arrival = kOrigin + sent(number) + delay;
    p.level = level;
    const ByteBuffer payload = {0xf8,
                                static_cast<std::uint8_t>(number >> 16U),
                                static_cast<std::uint8_t>(number >> 8U),
                                static_cast<std::uint8_t>(number),
                                9,
                                9};
    p.assign(payload);
    return p;
  }
  Duration sent(std::uint32_t number) const {
    return Duration(static_cast<std::int64_t>(20e6 * number * (1 - ppm * 1e-6)));
  }
};

struct TrackTest : ::testing::Test {
  MemoryFile file;
  OpusOutput output{file, 1, {}};
  Track track{output, 48'000, kOrigin};

  // Where packet `number` stands in the file, in ms from the beginning; -1: not in it.
  std::vector<double> places(std::uint32_t count) {
    EXPECT_TRUE(output.finish());
    std::vector<double> out(count, -1);
    double at = 0;
    const auto packets = packets_of(file.bytes);
    for (std::size_t i = 2; i < packets.size(); ++i) {
      const auto& p = packets[i];
      if (p.size() == 6) out[static_cast<std::size_t>(p[1] << 16 | p[2] << 8 | p[3])] = at;
      at += output.samples_of(p) / 48.0;
    }
    return out;
  }
};

TEST_F(TrackTest, StandsWhereItArrived) {
  const Sender sender;
  for (std::uint32_t i = 100; i < 200; ++i) track.push(sender.packet(i));
  track.advance(kOrigin + 5s, true);
  const auto at = places(200);
  for (std::uint32_t i = 100; i < 200; ++i) ASSERT_NEAR(at[i], 20.0 * i + 20, 10) << i;
  EXPECT_EQ(track.stats().packets, 100U);
}

TEST_F(TrackTest, JitterOfTheFirstPacketsDoesNotShiftTheRest) {
  const Sender sender;
  for (std::uint32_t i = 0; i < 300; ++i)
    track.push(sender.packet(i, i == 0 ? 90ms : i % 3 == 0 ? 60ms : 20ms));
  const auto at = places(300);
  for (std::uint32_t i = 0; i < 295; ++i) ASSERT_NEAR(at[i], 20.0 * i + 20, 10) << i;
}

TEST_F(TrackTest, OrdersAndDropsDoubles) {
  const Sender sender;
  std::vector<std::uint32_t> order = {0, 1, 2, 4, 3, 3, 5, 8, 7, 6, 9, 9};
  for (std::uint32_t i = 10; i < 60; ++i) order.push_back(i);
  for (const auto i : order) track.push(sender.packet(i));
  const auto at = places(60);
  for (std::uint32_t i = 1; i < 60; ++i) ASSERT_NEAR(at[i] - at[i - 1], 20, 0.01) << i;
  EXPECT_EQ(track.stats().lost, 0U);
}

TEST_F(TrackTest, LossIsFilledWithItsOwnLength) {
  const Sender sender;
  std::mt19937 random(5);
  std::uint64_t lost = 0;
  for (std::uint32_t i = 0; i < 3'000; ++i) {
    if (i > 20 && i < 2'990 && random() % 100 < 3) {
      ++lost;
      continue;
    }
    const auto packet = sender.packet(i, Duration(20ms + 1us * (random() % 15'000)));
    track.push(packet);
    track.advance(packet.arrival, true);
  }
  track.drain();
  const auto at = places(3'000);
  EXPECT_EQ(track.stats().lost, lost);
  EXPECT_GT(lost, 50U);
  for (std::uint32_t i = 0; i < 3'000; ++i)
    if (at[i] >= 0) {
      ASSERT_NEAR(at[i], 20.0 * i + 20, 10.1) << i;
    }
}

TEST_F(TrackTest, AMissingPacketIsWaitedForAndThenGivenUp) {
  const Sender sender;
  for (std::uint32_t i = 0; i < 30; ++i) track.push(sender.packet(i));
  for (std::uint32_t i = 31; i < 40; ++i) track.push(sender.packet(i));
  const auto before = output.position();
  track.advance(kOrigin + 900ms, true);
  EXPECT_EQ(output.position(), before);
  track.advance(kOrigin + 620ms + 20ms + Track::kWindow, true);
  EXPECT_GE(output.position(), 40U * 960);
  track.push(sender.packet(30, 700ms));
  EXPECT_EQ(track.stats().late, 1U);
  EXPECT_EQ(track.stats().lost, 1U);
}

TEST_F(TrackTest, PausesKeepTheirLengthAndAreFilledAsTimePasses) {
  const Sender sender;
  for (std::uint32_t i = 0; i < 50; ++i) track.push(sender.packet(i));
  // DTX: nothing for ten seconds, sequence numbers go on.
  track.advance(kOrigin + 6s, true);
  EXPECT_NEAR(static_cast<double>(output.position()) / 48, 6'000 - to_ms(Track::kFillBehind), 20);
  auto late = sender.packet(550);
  late.sequence = static_cast<std::uint16_t>(sender.first_sequence + 50);
  track.push(late);
  track.advance(late.arrival + 1s, true);
  const auto at = places(551);
  EXPECT_NEAR(at[550], 11'020, 10);
  EXPECT_EQ(track.stats().lost, 0U);
}

class Drift : public TrackTest, public ::testing::WithParamInterface<double> {};

TEST_P(Drift, OfATalkerWithPausesStaysWithinTenMilliseconds) {
  const Sender sender{GetParam()};
  std::mt19937 random(7);
  constexpr std::uint32_t kFrames = 50 * 1'200;  // 20 minutes: a quarter of a second at 200 ppm
  for (std::uint32_t i = 0; i < kFrames; ++i) {
    const bool quiet = i % 250 > 230;  // 400 ms of every 5 s
    const auto packet = sender.packet(i, Duration(20ms + 1us * (random() % 10'000)), quiet ? 80 : 30);
    track.push(packet);
    if (i % 3 == 0) track.advance(packet.arrival, true);
  }
  track.drain();
  const auto at = places(kFrames);
  for (std::uint32_t i = 0; i < kFrames; ++i)
    if (at[i] >= 0) {
      ASSERT_NEAR(at[i], to_ms(sender.sent(i)) + 20, 13) << i;
    }
  EXPECT_GT(track.stats().corrected, 5U);
  EXPECT_LT(track.stats().corrected, 40U);
  EXPECT_LT(track.stats().worst_ms, 13);
}
INSTANTIATE_TEST_SUITE_P(Ppm, Drift, ::testing::Values(-200.0, 200.0), [](const auto& ppm) {
  return (ppm.param < 0 ? "slow_by_" : "fast_by_") + std::to_string(static_cast<int>(std::abs(ppm.param)));
});

TEST_F(TrackTest, ATalkerWithoutPausesIsReported) {
  const Sender sender{200};
  for (std::uint32_t i = 0; i < 50 * 300; ++i) track.push(sender.packet(i));
  track.drain();
  EXPECT_EQ(track.stats().corrected, 0U);
  EXPECT_NEAR(track.stats().worst_ms, 60, 6);
}

TEST_F(TrackTest, ComesBackWithAnotherClock) {
  const Sender before;
  for (std::uint32_t i = 0; i < 100; ++i) track.push(before.packet(i));
  track.restart();
  const Sender after{0, 12'345, 99};
  for (std::uint32_t i = 500; i < 600; ++i) track.push(after.packet(i));
  track.drain();
  const auto at = places(600);
  EXPECT_NEAR(at[99], 20 * 99 + 20, 10);
  EXPECT_NEAR(at[500], 20 * 500 + 20, 10);
  EXPECT_NEAR(at[599], 20 * 599 + 20, 10);
}

TEST_F(TrackTest, AJumpOfTheTimestampsIsAnotherClock) {
  Sender sender;
  for (std::uint32_t i = 0; i < 100; ++i) track.push(sender.packet(i));
  sender.first_timestamp += 0x4000'0000U;
  for (std::uint32_t i = 100; i < 200; ++i) track.push(sender.packet(i));
  track.drain();
  const auto at = places(200);
  EXPECT_NEAR(at[199], 20 * 199 + 20, 10);
}

TEST_F(TrackTest, HostileTimestampsAndSequenceNumbersCostNothing) {
  std::mt19937 random(3);
  const Sender sender;
  for (std::uint32_t i = 0; i < 20'000; ++i) {
    auto packet = sender.packet(i);
    if (random() % 2 == 0) packet.timestamp = static_cast<std::uint32_t>(random());
    if (random() % 2 == 0) packet.sequence = static_cast<std::uint16_t>(random());
    if (random() % 7 == 0) packet.ssrc = static_cast<std::uint32_t>(random());
    track.push(packet);
    if (i % 5 == 0) track.advance(packet.arrival, true);
    // Never ahead of the time that has passed, so never more than a real sender costs.
    ASSERT_LE(output.position(), static_cast<std::uint64_t>((i + 60) * 960 + 4'800)) << i;
  }
  EXPECT_TRUE(output.finish());
  EXPECT_EQ(scan_ogg(file.bytes).good_bytes, file.bytes.size());
}

TEST_F(TrackTest, GoesOnAfterAFullDisk) {
  const Sender sender;
  for (std::uint32_t i = 0; i < 500; ++i) {
    file.full = i >= 100 && i < 300;
    const auto packet = sender.packet(i);
    track.push(packet);
    track.advance(packet.arrival, true);
    if (i % 10 == 0) static_cast<void>(output.flush());
  }
  track.drain();
  const auto at = places(500);
  EXPECT_EQ(at[200], -1);
  for (std::uint32_t i = 320; i < 500; ++i) ASSERT_NEAR(at[i], 20.0 * i + 20, 15) << i;
}

}  // namespace
}  // namespace parley::recorder
