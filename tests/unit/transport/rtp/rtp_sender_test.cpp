#include "transport/rtp/rtp_sender.hpp"

#include <gtest/gtest.h>

#include <set>

#include "transport/rtp/rtp_clock.hpp"

namespace parley::rtp {
namespace {

TEST(RtpSender, CountsSequenceAndMapsMediaTime) {
  struct Case {
    std::uint32_t clock_rate;
    std::uint64_t media_time;
    std::uint32_t timestamp;
  };
  const Case cases[] = {
      {48'000, 0, 1000},   {48'000, 960, 1960},       {48'000, 0x1'0000'0000, 1000},
      {8'000, 0, 1000},    {8'000, 960, 1160},        {8'000, 48'000, 9000},
      {8'000, 959, 1159},  {8'000, 6ULL << 32, 1000}, {8'000, (6ULL << 32) + 960, 1160},
      {48'000, 480, 1480},
  };
  for (const Case& c : cases) {
    RtpSender sender(7, 111, c.clock_rate, 10, 1000);
    EXPECT_EQ(sender.next(c.media_time, 0, false).timestamp, c.timestamp)
        << c.clock_rate << " " << c.media_time;
  }

  RtpSender sender(7, 111, 48'000, 65534, 0xffffffff);
  const auto first = sender.next(0, 0, true);
  EXPECT_EQ(first.ssrc, 7U);
  EXPECT_EQ(first.payload_type, 111);
  EXPECT_TRUE(first.marker);
  EXPECT_EQ(first.sequence, 65534);
  EXPECT_EQ(first.timestamp, 0xffffffffU);
  EXPECT_EQ(sender.next(960, 0, false).sequence, 65535);
  EXPECT_EQ(sender.next(1920, 0, false).sequence, 0);
  EXPECT_EQ(sender.last_sequence(), 65536);  // extended
  EXPECT_EQ(sender.first_sequence(), 65534);
}

TEST(RtpSender, LeavesHoles) {
  RtpSender sender(7, 111, 48'000, 65534, 0);
  EXPECT_EQ(sender.next(0, 3, false).sequence, 65534);  // before the first packet there is nothing to miss
  EXPECT_EQ(sender.holes().total(), 0U);
  EXPECT_EQ(sender.next(1920, 1, false).sequence, 0);
  EXPECT_EQ(sender.next(2880, 0, false).sequence, 1);
  EXPECT_EQ(sender.next(5760, 2, false).sequence, 4);
  EXPECT_EQ(sender.holes().total(), 3U);
  EXPECT_EQ(sender.last_sequence(), 65536 + 4);
}

TEST(RtpSender, CountsForSenderReports) {
  const TimePoint start{100s};
  RtpSender sender(7, 0, 8'000, 1, 500);
  EXPECT_EQ(sender.timestamp_at(start), 500U);  // nothing sent yet
  sender.next(48'000, 0, false);
  sender.count_sent(start, 160);
  EXPECT_EQ(sender.packets(), 1U);
  EXPECT_EQ(sender.octets(), 160U);
  EXPECT_EQ(sender.timestamp_at(start), 8500U);
  EXPECT_EQ(sender.timestamp_at(start + 1500ms), 8500U + 12'000);
  EXPECT_EQ(sender.timestamp_at(start + std::chrono::hours(24 * 30)),
            8500U + static_cast<std::uint32_t>(8'000ULL * 86'400 * 30));
  sender.next(48'960, 0, false);
  sender.count_sent(start + 20ms, 100);
  EXPECT_EQ(sender.packets(), 2U);
  EXPECT_EQ(sender.octets(), 260U);
}

TEST(RtpSender, StartsAtRandomInTheLowerHalf) {
  std::set<std::int64_t> sequences;
  std::set<std::uint32_t> timestamps;
  for (int i = 0; i < 200; ++i) {
    RtpSender sender(7, 111, 48'000);
    const auto header = sender.next(0, 0, false);
    EXPECT_LT(header.sequence, 0x8000);
    sequences.insert(header.sequence);
    timestamps.insert(header.timestamp);
  }
  EXPECT_GT(sequences.size(), 150U);
  EXPECT_GT(timestamps.size(), 190U);
}

TEST(HoleLog, CountsUpToASequenceNumber) {
  HoleLog log;
  log.add(10, 2);      // 8, 9
  log.add(12, 1);      // 11
  log.add(70'000, 5);  // 69995 to 69999
  struct Case {
    std::int64_t highest;
    std::uint64_t holes;
  };
  const Case cases[] = {{7, 0},      {8, 1},      {9, 2},      {10, 2},     {11, 3},     {12, 3},
                        {69'994, 3}, {69'995, 4}, {69'998, 7}, {69'999, 8}, {70'000, 8}, {90'000, 8}};
  for (const Case& c : cases) EXPECT_EQ(log.count_through(c.highest), c.holes) << c.highest;
  EXPECT_EQ(log.total(), 8U);
}

TEST(HoleLog, StaysBoundedAndCountsWhatFellOut) {
  HoleLog log;
  const std::int64_t runs = 100'000;
  for (std::int64_t i = 1; i <= runs; ++i) log.add(10 * i, 3);
  EXPECT_EQ(log.total(), 3U * runs);
  EXPECT_EQ(log.count_through(10 * runs), 3U * runs);
  EXPECT_EQ(log.count_through(10 * (runs - 100)), 3U * (runs - 100));
  EXPECT_LE(sizeof(HoleLog), 8192U);
}

TEST(RtpClock, ConvertsLongTimesWithoutOverflow) {
  struct Case {
    Duration duration;
    std::uint32_t rate;
    std::int64_t units;
  };
  const Case cases[] = {
      {0ns, 48'000, 0},      {20ms, 48'000, 960},
      {-20ms, 48'000, -960}, {20ms, 8'000, 160},
      {20'833ns, 48'000, 0}, {20'834ns, 48'000, 1},
      {1s, 8'000, 8'000},    {std::chrono::hours(24 * 3650), 48'000, 48'000LL * 86'400 * 3650},
  };
  for (const Case& c : cases) EXPECT_EQ(rtp_units(c.duration, c.rate), c.units) << c.duration.count();
}

}  // namespace
}  // namespace parley::rtp
