#include "transport/rtp/rtp_receiver.hpp"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace parley::rtp {
namespace {

using Verdict = RtpReceiver::Verdict;
constexpr auto kAccepted = Verdict::accepted;
constexpr auto kDuplicate = Verdict::duplicate;
constexpr auto kStray = Verdict::stray;

const TimePoint kStart{1000s};

RtpHeader header(std::uint16_t sequence, std::uint32_t timestamp = 0, std::uint32_t ssrc = 1) {
  RtpHeader h;
  h.sequence = sequence;
  h.timestamp = timestamp;
  h.ssrc = ssrc;
  return h;
}

TEST(RtpReceiver, Sequences) {
  struct Case {
    const char* what;
    std::vector<std::pair<std::uint16_t, Verdict>> packets;
    std::uint32_t extended_highest;
    std::int32_t cumulative_lost;
    std::uint64_t lost;
    int fraction;
  };
  const Case cases[] = {
      {"one packet", {{5, kAccepted}}, 5, 0, 0, 0},
      {"in order", {{5, kAccepted}, {6, kAccepted}, {7, kAccepted}}, 7, 0, 0, 0},
      {"one lost of four", {{5, kAccepted}, {6, kAccepted}, {8, kAccepted}}, 8, 1, 1, 64},
      {"reordered, nothing lost", {{5, kAccepted}, {7, kAccepted}, {6, kAccepted}}, 7, 0, 0, 0},
      {"the first two swapped", {{6, kAccepted}, {5, kAccepted}, {7, kAccepted}}, 7, 0, 0, 0},
      {"wrap", {{65534, kAccepted}, {65535, kAccepted}, {0, kAccepted}, {1, kAccepted}}, 65537, 0, 0, 0},
      {"loss across the wrap", {{65534, kAccepted}, {1, kAccepted}}, 65537, 2, 2, 128},
      {"reordering across the wrap", {{65535, kAccepted}, {1, kAccepted}, {0, kAccepted}}, 65537, 0, 0, 0},
      {"start at zero, then a straggler", {{0, kAccepted}, {65535, kAccepted}}, 0, 0, 0, 0},
      // RFC 3550 counts a duplicate as received, so it hides a loss; our own count does not.
      {"duplicate", {{5, kAccepted}, {6, kAccepted}, {6, kDuplicate}}, 6, -1, 0, 0},
      {"duplicate hides a loss", {{5, kAccepted}, {7, kAccepted}, {7, kDuplicate}}, 7, 0, 1, 0},
      {"late duplicate", {{5, kAccepted}, {6, kAccepted}, {7, kAccepted}, {5, kDuplicate}}, 7, -1, 0, 0},
      {"a lone wild number", {{5, kAccepted}, {40'000, kStray}, {6, kAccepted}}, 6, 0, 0, 0},
      {"wild numbers without order",
       {{5, kAccepted}, {40'000, kStray}, {50'000, kStray}, {6, kAccepted}},
       6,
       0,
       0,
       0},
      {"a new start is taken at its second packet",
       {{5, kAccepted}, {40'000, kStray}, {40'001, kAccepted}, {40'002, kAccepted}},
       40'002,
       0,
       0,
       0},
      {"the largest gap", {{5, kAccepted}, {3005, kAccepted}}, 3005, 2999, 2999, 255},
      {"one more is a stray", {{5, kAccepted}, {3006, kStray}}, 5, 0, 0, 0},
      {"as late as can be", {{1000, kAccepted}, {873, kAccepted}}, 1000, 126, 126, 252},
      {"later than that", {{1000, kAccepted}, {872, kStray}}, 1000, 0, 0, 0},
  };
  for (const Case& c : cases) {
    RtpReceiver receiver(48'000);
    for (const auto& [sequence, verdict] : c.packets)
      EXPECT_EQ(receiver.receive(kStart, header(sequence)), verdict) << c.what << " " << sequence;
    const auto report = receiver.take_report();
    ASSERT_TRUE(report);
    EXPECT_EQ(report->extended_highest, c.extended_highest) << c.what;
    EXPECT_EQ(report->cumulative_lost, c.cumulative_lost) << c.what;
    EXPECT_EQ(report->fraction_lost, c.fraction) << c.what;
    EXPECT_EQ(receiver.stats().lost, c.lost) << c.what;
  }
}

TEST(RtpReceiver, NothingToReportBeforeTheFirstPacket) {
  RtpReceiver receiver(48'000);
  EXPECT_FALSE(receiver.take_report());
  EXPECT_FALSE(receiver.ssrc());
  EXPECT_EQ(receiver.stats().packets, 0U);
}

TEST(RtpReceiver, FractionIsThatOfTheInterval) {
  RtpReceiver receiver(48'000);
  const auto receive = [&](std::initializer_list<int> sequences) {
    for (const int s : sequences) receiver.receive(kStart, header(static_cast<std::uint16_t>(s)));
  };
  receive({1, 2, 4});  // 3 is lost
  EXPECT_EQ(receiver.take_report()->fraction_lost, 64);
  EXPECT_DOUBLE_EQ(receiver.stats().fraction_lost, 0.25);
  receive({5, 6, 7, 8});
  EXPECT_EQ(receiver.take_report()->fraction_lost, 0);
  EXPECT_EQ(receiver.take_report()->fraction_lost, 0) << "an interval without packets";
  receive({10});
  const auto report = receiver.take_report();
  EXPECT_EQ(report->fraction_lost, 128);
  EXPECT_EQ(report->cumulative_lost, 2);
  receive({9});  // it was late, not lost
  EXPECT_EQ(receiver.take_report()->cumulative_lost, 1);
  EXPECT_EQ(receiver.take_report()->fraction_lost, 0);
}

TEST(RtpReceiver, ManyWraps) {
  RtpReceiver receiver(48'000);
  std::uint16_t sequence = 65'000;
  for (int i = 0; i < 300'000; ++i) {
    if (i % 10 != 9) receiver.receive(kStart, header(sequence));
    ++sequence;
  }
  const auto report = receiver.take_report();
  EXPECT_EQ(report->extended_highest, 65'000U + 299'998);
  EXPECT_EQ(receiver.stats().lost, 29'999U);
  EXPECT_EQ(receiver.stats().packets, 270'000U);
}

TEST(RtpReceiver, CumulativeLossSaturates) {
  RtpReceiver receiver(48'000);
  std::uint16_t sequence = 0;
  for (int i = 0; i < 3'000; ++i) {
    receiver.receive(kStart, header(sequence));
    sequence = static_cast<std::uint16_t>(sequence + 3'000);
  }
  EXPECT_EQ(receiver.take_report()->cumulative_lost, 0x7fffff);
  EXPECT_EQ(receiver.stats().lost, 2'999U * 2'999);
}

TEST(RtpReceiver, ANewSsrcStartsANewStreamAndTheLegKeepsItsTotals) {
  RtpReceiver receiver(48'000);
  for (const std::uint16_t s : std::vector<std::uint16_t>{1, 3}) receiver.receive(kStart, header(s, 0, 11));
  EXPECT_EQ(receiver.ssrc(), 11U);
  for (const std::uint16_t s : std::vector<std::uint16_t>{40'000, 40'001, 40'003})
    receiver.receive(kStart, header(s, 0, 22));
  const auto report = receiver.take_report();
  EXPECT_EQ(report->ssrc, 22U);
  EXPECT_EQ(report->extended_highest, 40'003U);
  EXPECT_EQ(report->cumulative_lost, 1);
  EXPECT_EQ(receiver.stats().lost, 2U);
  EXPECT_EQ(receiver.stats().packets, 5U);
  EXPECT_EQ(receiver.stats().ssrc_changes, 1U);
}

// The recurrence of appendix A.8, written down once more in floating point.
TEST(RtpReceiver, JitterIsThatOfTheRfc) {
  for (const std::uint32_t rate : {48'000U, 8'000U}) {
    RtpReceiver receiver(rate);
    std::mt19937 random(7);
    double expected = 0;
    double last_transit = 0;
    std::uint32_t timestamp = 0xffff0000;  // wraps on the way
    for (int i = 0; i < 2'000; ++i) {
      const Duration late = std::chrono::milliseconds(random() % 30);
      receiver.receive(kStart + i * 20ms + late, header(static_cast<std::uint16_t>(i), timestamp));
      const double transit = to_seconds(late) * rate;
      if (i > 0) expected += (std::abs(transit - last_transit) - expected) / 16;
      last_transit = transit;
      timestamp += rate / 50;
    }
    const auto report = receiver.take_report();
    EXPECT_NEAR(report->jitter, expected, 2.0 + expected * 0.01);
    EXPECT_NEAR(receiver.stats().jitter_ms, expected * 1000 / rate, 0.1);
    EXPECT_GT(receiver.stats().jitter_ms, 5);
  }
}

TEST(RtpReceiver, NoJitterInSteadyTrafficEvenWithSilenceBetween) {
  RtpReceiver receiver(48'000);
  std::uint32_t timestamp = 0;
  TimePoint at = kStart;
  for (std::uint16_t i = 0; i < 500; ++i) {
    const bool pause = i % 50 == 49;  // DTX: 400 ms without a packet
    timestamp += pause ? 19'200 : 960;
    at += pause ? 400ms : 20ms;
    receiver.receive(at, header(i, timestamp));
  }
  EXPECT_EQ(receiver.take_report()->jitter, 0U);
}

TEST(RtpReceiver, AJumpOfTheSendersClockIsNoJitter) {
  RtpReceiver receiver(48'000);
  std::uint32_t timestamp = 1'000'000;
  for (std::uint16_t i = 0; i < 100; ++i) {
    if (i == 50) timestamp -= 900'000;
    if (i == 70) timestamp += 0x80000000U;
    receiver.receive(kStart + i * 20ms, header(i, timestamp));
    timestamp += 960;
  }
  EXPECT_EQ(receiver.take_report()->jitter, 0U);
}

TEST(RtpReceiver, AnyHeadersLeaveItSane) {
  std::mt19937 random(3);
  RtpReceiver receiver(48'000);
  for (int i = 0; i < 200'000; ++i) {
    const auto at = kStart + Duration(static_cast<std::int64_t>(random()) * i);
    receiver.receive(at, header(static_cast<std::uint16_t>(random()), static_cast<std::uint32_t>(random()),
                                static_cast<std::uint32_t>(random() % 3)));
    if (i % 100 == 0) {
      const auto report = receiver.take_report();
      ASSERT_GE(report->cumulative_lost, -0x800000);
      ASSERT_LE(report->cumulative_lost, 0x7fffff);
      ASSERT_GE(receiver.stats().fraction_lost, 0.0);
      ASSERT_LE(receiver.stats().fraction_lost, 1.0);
    }
  }
}

}  // namespace
}  // namespace parley::rtp
