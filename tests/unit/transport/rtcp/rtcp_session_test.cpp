#include "transport/rtcp/rtcp_session.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "tests/unit/transport/base/hex.hpp"
#include "transport/rtcp/bye.hpp"
#include "transport/rtcp/compound.hpp"
#include "transport/rtcp/receiver_report.hpp"
#include "transport/rtcp/sdes.hpp"
#include "transport/rtcp/sender_report.hpp"

namespace parley::rtcp {
namespace {

const TimePoint kStart{1000s};
constexpr std::uint64_t kNtp = 0xe0000000'00000000;

std::uint64_t ntp_at(TimePoint at) {
  return kNtp + static_cast<std::uint64_t>(to_seconds(at - kStart) * 4294967296.0);
}

// One end of a call.
struct End {
  rtp::RtpSender sender;
  rtp::RtpReceiver receiver{48'000};
  RtcpSession session;
  std::uint64_t media_time = 0;

  explicit End(std::uint32_t ssrc, std::uint32_t seed = 1, std::uint16_t first_sequence = 65'000)
      : sender(ssrc, 111, 48'000, first_sequence, 5),
        session("cname-" + std::to_string(ssrc), sender, receiver, kStart, seed) {}

  rtp::RtpHeader send(TimePoint at, std::uint16_t holes = 0) {
    media_time += 960U * (1U + holes);
    const auto header = sender.next(media_time, holes, false);
    sender.count_sent(at, 80);
    return header;
  }
  ByteBuffer report(TimePoint at) {
    std::array<std::uint8_t, RtcpSession::kMaxCompound> out{};
    const std::size_t size = session.write_report(at, ntp_at(at), out);
    return {out.begin(), out.begin() + static_cast<std::ptrdiff_t>(size)};
  }
};

ByteBuffer receiver_report(std::uint32_t reporter, const ReportBlock& block) {
  std::array<std::uint8_t, 100> out{};
  ByteWriter writer(out);
  write_receiver_report(writer, reporter, std::span(&block, 1));
  return {writer.written().begin(), writer.written().end()};
}

TEST(RtcpSession, ReportsAboutEverySecondAtRandom) {
  End end(1, 12345);
  EXPECT_GE(end.session.next_report(), kStart + 250ms);
  EXPECT_LE(end.session.next_report(), kStart + 750ms);
  TimePoint at = end.session.next_report();
  Duration shortest = 10s, longest = 0s;
  const int reports = 2'000;
  const TimePoint first = at;
  for (int i = 0; i < reports; ++i) {
    end.report(at);
    const Duration interval = end.session.next_report() - at;
    shortest = std::min(shortest, interval);
    longest = std::max(longest, interval);
    at = end.session.next_report();
  }
  EXPECT_GE(shortest, 500ms);
  EXPECT_LT(shortest, 520ms);
  EXPECT_LE(longest, 1500ms);
  EXPECT_GT(longest, 1480ms);
  EXPECT_NEAR(to_seconds(at - first) / reports, 1.0, 0.03);

  EXPECT_NE(End(1, 1'000'000).session.next_report(), End(1, 2'000'000).session.next_report());
}

TEST(RtcpSession, WritesWhatItIs) {
  End end(7);
  struct Step {
    Duration at;
    int packets;
    PacketType type;
  };
  const Step steps[] = {
      {1s, 0, PacketType::receiver_report}, {2s, 50, PacketType::sender_report},
      {3s, 0, PacketType::sender_report},  // sent since the report before the last one
      {4s, 0, PacketType::receiver_report}, {5s, 1, PacketType::sender_report},
  };
  for (const Step& step : steps) {
    for (int i = 0; i < step.packets; ++i) end.send(kStart + step.at);
    const auto bytes = end.report(kStart + step.at);
    auto compound = Compound::parse(bytes);
    ASSERT_TRUE(compound);
    EXPECT_TRUE(compound->next()->is(step.type)) << to_seconds(step.at);
    EXPECT_EQ(find_cname(*compound->next(), 7), "cname-7");
    EXPECT_FALSE(compound->next());
  }
}

TEST(RtcpSession, SenderReportCarriesTheStreamsClock) {
  End end(7);
  end.send(kStart);
  end.send(kStart + 20ms);
  const auto bytes = end.report(kStart + 120ms);
  const auto report = parse_sender_report(*Compound::parse(bytes)->next());
  ASSERT_TRUE(report);
  EXPECT_EQ(report->sender.ssrc, 7U);
  EXPECT_EQ(report->sender.ntp, ntp_at(kStart + 120ms));
  EXPECT_EQ(report->sender.rtp_timestamp, 5U + 1920 + 4800);
  EXPECT_EQ(report->sender.packet_count, 2U);
  EXPECT_EQ(report->sender.octet_count, 160U);
  EXPECT_EQ(report->blocks.size(), 0U);
}

TEST(RtcpSession, ReportBlockTellsOfTheRemoteStream) {
  End a(1), b(2);
  for (int i = 0; i < 4; ++i) {
    const auto header = a.send(kStart + i * 20ms);
    if (i != 2) b.receiver.receive(kStart + i * 20ms + 30ms, header);
  }
  EXPECT_EQ(b.session.receive(kStart + 200ms, a.report(kStart + 170ms)), RtcpSession::Heard::report);
  const auto bytes = b.report(kStart + 700ms);
  const auto report = parse_receiver_report(*Compound::parse(bytes)->next());
  ASSERT_TRUE(report);
  ASSERT_EQ(report->blocks.size(), 1U);
  const auto block = report->blocks[0];
  EXPECT_EQ(block.ssrc, 1U);
  EXPECT_EQ(block.fraction_lost, 64);
  EXPECT_EQ(block.cumulative_lost, 1);
  EXPECT_EQ(block.extended_highest, 65'003U);
  EXPECT_EQ(block.last_sr, middle_of_ntp(ntp_at(kStart + 170ms)));
  EXPECT_EQ(block.delay_since_last_sr, 32'768U);
  EXPECT_EQ(b.session.remote_cname(), "cname-1");
}

TEST(RtcpSession, RoundTripOfACallBothWays) {
  End a(1), b(2);
  for (int second = 0; second < 3; ++second) {
    const TimePoint at = kStart + second * 1s;
    b.receiver.receive(at + 40ms, a.send(at));
    a.receiver.receive(at + 60ms, b.send(at));
    b.session.receive(at + 140ms, a.report(at + 100ms));  // 40 ms there
    a.session.receive(at + 460ms, b.report(at + 400ms));  // 60 ms back
  }
  ASSERT_TRUE(a.session.round_trip());
  EXPECT_NEAR(to_ms(*a.session.round_trip()), 100.0, 0.1);
  ASSERT_TRUE(b.session.round_trip());
  EXPECT_NEAR(to_ms(*b.session.round_trip()), 100.0, 0.1);
}

TEST(RtcpSession, RoundTripIgnoresStepsOfTheWallClockAndLies) {
  struct Case {
    const char* what;
    Duration held;  // by the peer, as it claims
    bool echo;      // of our newest report
    std::optional<double> ms;
  };
  const Case cases[] = {
      {"honest", 500ms, true, 100.0},
      {"a little more than it can be", 605ms, true, 0.0},
      {"held longer than it was away", 700ms, true, std::nullopt},
      {"a report we never sent", 500ms, false, std::nullopt},
  };
  for (const Case& c : cases) {
    End end(1);
    end.send(kStart);
    // The wall clock is an hour off: only its value counts as a name.
    std::array<std::uint8_t, RtcpSession::kMaxCompound> out{};
    const std::uint64_t ntp = ntp_at(kStart) + (3600ULL << 32);
    end.session.write_report(kStart, ntp, out);
    ReportBlock block;
    block.ssrc = 1;
    block.extended_highest = 65'000;
    block.last_sr = middle_of_ntp(ntp) + (c.echo ? 0 : 1);
    block.delay_since_last_sr = static_cast<std::uint32_t>(to_seconds(c.held) * 65536);
    end.session.receive(kStart + 600ms, receiver_report(2, block));
    ASSERT_EQ(end.session.round_trip().has_value(), c.ms.has_value()) << c.what;
    if (!c.ms) continue;
    EXPECT_NEAR(to_ms(*end.session.round_trip()), *c.ms, 0.1) << c.what;
  }
}

TEST(RtcpSession, HolesAreTakenOffTheLoss) {
  // Each step: packets sent (each with so many holes before it), of which every n-th is lost on the way.
  struct Case {
    const char* what;
    std::uint16_t holes;
    int lost_every;  // 0: none
    double fraction;
  };
  const Case cases[] = {
      {"nothing lost", 0, 0, 0.0},
      {"holes only", 1, 0, 0.0},
      {"three holes before each packet", 3, 0, 0.0},
      {"loss only", 0, 4, 0.25},
      {"loss and holes", 2, 4, 0.25},
  };
  for (const Case& c : cases) {
    End a(1), b(2);
    int sent = 0;
    std::uint64_t lost = 0;
    TimePoint at = kStart;
    for (int second = 0; second < 40; ++second) {  // wraps the sequence number on the way
      for (int i = 0; i < 48; ++i, at += 20ms) {
        const auto header = a.send(at, c.holes);
        if (c.lost_every != 0 && ++sent % c.lost_every == 2) {
          ++lost;
          continue;
        }
        b.receiver.receive(at, header);
      }
      a.session.receive(at, b.report(at));
      ASSERT_TRUE(a.session.remote()) << c.what;
      EXPECT_NEAR(a.session.remote()->fraction_lost, c.fraction, 0.005) << c.what << " " << second;
    }
    EXPECT_NEAR(static_cast<double>(a.session.remote()->lost), static_cast<double>(lost), 1.0) << c.what;
    EXPECT_EQ(a.session.remote()->at, at);
  }
}

TEST(RtcpSession, LossOfReportsDoesNotHideTheLossTheyTold) {
  End a(1), b(2);
  TimePoint at = kStart;
  const auto second = [&](bool lossy) {
    for (int i = 0; i < 50; ++i, at += 20ms) {
      const auto header = a.send(at);
      if (!lossy || i % 2 == 0) b.receiver.receive(at, header);
    }
    return b.report(at);
  };
  a.session.receive(at, second(false));
  second(true);  // half is lost, and so is the report that says so
  a.session.receive(at, second(false));
  EXPECT_NEAR(a.session.remote()->fraction_lost, 0.25, 0.01);
}

TEST(RtcpSession, JitterIsInMilliseconds) {
  End end(1);
  end.send(kStart);
  ReportBlock block;
  block.ssrc = 1;
  block.extended_highest = 65'000;
  block.jitter = 480;
  end.session.receive(kStart + 1s, receiver_report(2, block));
  EXPECT_DOUBLE_EQ(end.session.remote()->jitter_ms, 10.0);
}

TEST(RtcpSession, BlocksThatAreNotOursOrImpossibleAreIgnored) {
  End end(1);
  for (int i = 0; i < 10; ++i) end.send(kStart);
  struct Case {
    const char* what;
    std::uint32_t ssrc;
    std::uint32_t highest;
    bool taken;
  };
  const Case cases[] = {
      {"another stream", 3, 65'005, false},
      {"behind the first packet", 1, 64'999, false},
      {"ahead of the last packet", 1, 65'010, false},
      {"far ahead", 1, 40'000, false},
      {"the first packet", 1, 65'000, true},
      {"the last packet, cycles of the peer's own", 1, 0x00070000 + 65'009, true},
  };
  for (const Case& c : cases) {
    const bool before = end.session.remote().has_value();
    ReportBlock block;
    block.ssrc = c.ssrc;
    block.extended_highest = c.highest;
    end.session.receive(kStart + 1s, receiver_report(2, block));
    EXPECT_EQ(end.session.remote().has_value(), before || c.taken) << c.what;
  }
}

TEST(RtcpSession, AnyNumbersStayInRange) {
  End end(1);
  for (int i = 0; i < 100; ++i) end.send(kStart, static_cast<std::uint16_t>(i % 3));
  const std::int32_t losses[] = {0, -0x800000, 0x7fffff, -1, 1, 100, 0x7fffff, 0};
  const std::uint32_t highests[] = {65'000, 65'050, 65'100, 65'020, 65'190, 65'198};
  std::uint8_t fraction = 0;
  for (const auto lost : losses) {
    for (const auto highest : highests) {
      ReportBlock block{1, fraction, lost, highest, 0xffffffff, 0, 0xffffffff};
      fraction = static_cast<std::uint8_t>(fraction + 37);
      end.session.receive(kStart + 1s, receiver_report(2, block));
      ASSERT_GE(end.session.remote()->fraction_lost, 0.0);
      ASSERT_LE(end.session.remote()->fraction_lost, 1.0);
      ASSERT_LE(end.session.remote()->lost, 0x7fffffU);
    }
  }
}

TEST(RtcpSession, ByeOfTheLegsOwnStreamOnly) {
  using test::from_hex;
  struct Case {
    const char* what;
    bool rtp_heard;  // from SSRC 2
    const char* hex;
    RtcpSession::Heard heard;
  };
  const auto report = RtcpSession::Heard::report;
  const auto bye = RtcpSession::Heard::bye;
  const Case cases[] = {
      {"its own", true, "81cb0001 00000002", bye},
      {"among others", true, "83cb0003 00000009 00000002 00000008", bye},
      {"behind a report", true, "80c90001 00000002 81cb0001 00000002", bye},
      {"another's", true, "81cb0001 00000009", report},
      {"ours", true, "81cb0001 00000001", report},
      {"of the reporter, but media come from another SSRC", true, "80c90001 00000005 81cb0001 00000005",
       report},
      {"of a listener that reports only", false, "80c90001 00000005 81cb0001 00000005", bye},
      {"of a stranger, nothing known yet", false, "81cb0001 00000005", report},
      {"of SSRC zero, nothing known yet", false, "81cb0001 00000000", report},
      {"without sources", true, "80cb0000", report},
      {"with a source that is not there", true, "82cb0001 00000002", RtcpSession::Heard::malformed},
      {"behind a report that lies", true, "81c90001 00000002 81cb0001 00000002",
       RtcpSession::Heard::malformed},
      {"length lies", true, "81cb0002 00000002", RtcpSession::Heard::malformed},
      {"four bytes", true, "80c90000", RtcpSession::Heard::malformed},
      {"nothing", true, "", RtcpSession::Heard::malformed},
  };
  for (const Case& c : cases) {
    End end(1);
    rtp::RtpHeader header;
    header.ssrc = 2;
    if (c.rtp_heard) end.receiver.receive(kStart, header);
    EXPECT_EQ(end.session.receive(kStart + 1s, from_hex(c.hex)), c.heard) << c.what;
  }
}

TEST(RtcpSession, SaysGoodbye) {
  End a(1), b(2);
  b.receiver.receive(kStart, a.send(kStart));
  std::array<std::uint8_t, RtcpSession::kMaxCompound> out{};
  const std::size_t size = a.session.write_bye(kStart, kNtp, out, "room closed");
  ASSERT_GT(size, 0U);
  auto compound = Compound::parse(Bytes(out).first(size));
  ASSERT_TRUE(compound);
  EXPECT_TRUE(compound->next()->is(PacketType::sender_report));
  compound->next();
  const auto bye = parse_bye(*compound->next());
  ASSERT_TRUE(bye);
  EXPECT_TRUE(bye->names(1));
  EXPECT_EQ(bye->reason, "room closed");
  EXPECT_EQ(b.session.receive(kStart, Bytes(out).first(size)), RtcpSession::Heard::bye);
}

TEST(RtcpSession, TheLongestCompoundFitsAndAShorterBufferGivesNothing) {
  rtp::RtpSender sender(1, 111, 48'000);
  rtp::RtpReceiver receiver(48'000);
  RtcpSession session(std::string(300, 'c'), sender, receiver, kStart, 1);
  sender.next(0, 0, false);
  sender.count_sent(kStart, 1);
  receiver.receive(kStart, {});
  std::array<std::uint8_t, RtcpSession::kMaxCompound> out{};
  EXPECT_GT(session.write_bye(kStart, kNtp, out, std::string(300, 'r')), 500U);
  EXPECT_EQ(session.write_report(kStart, kNtp, std::span(out).first(100)), 0U);
}

}  // namespace
}  // namespace parley::rtcp
