#include "transport/leg/leg.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <ostream>
#include <utility>

#include "tests/unit/transport/leg/wire.hpp"

namespace parley {
namespace {

RtpOut packet(std::string_view payload, std::uint64_t media_time = 0) {
  RtpOut out;
  out.payload = as_bytes(payload);
  out.media_time = media_time;
  return out;
}

TEST(Leg, ConnectsAndCarriesMediaBothWays) {
  Wire wire;
  ASSERT_TRUE(wire.connect(500ms));
  RtpOut up = packet("hello server");
  up.level = 23;
  up.voice = true;
  up.marker = true;
  EXPECT_TRUE(wire.client.leg->send_rtp(wire.at, up));
  const CsrcLevel who[] = {{77, 12}, {88, 40}};
  RtpOut down = packet("hello client", 48'000);
  down.contributors = who;
  EXPECT_TRUE(wire.server.leg->send_rtp(wire.at, down));
  wire.run(5ms);

  ASSERT_EQ(wire.server.heard.size(), 1U);
  const MediaPacket& got = wire.server.heard[0];
  EXPECT_EQ(as_text(got.data()), "hello server");
  EXPECT_EQ(got.level, 23);
  EXPECT_TRUE(got.voice);
  EXPECT_TRUE(got.marker);
  EXPECT_EQ(got.ssrc, 1111U);
  ASSERT_EQ(wire.client.heard.size(), 1U);
  EXPECT_EQ(as_text(wire.client.heard[0].data()), "hello client");
  EXPECT_EQ(wire.client.heard[0].ssrc, 2222U);
}

TEST(Leg, SequenceAndTimestampFollowTheMediaClock) {
  Wire wire;
  ASSERT_TRUE(wire.connect());
  for (const std::uint64_t time : {0ULL, 960ULL, 1920ULL}) {
    RtpOut out = packet("x", time);
    out.holes_before = time == 1920 ? 1 : 0;
    wire.server.leg->send_rtp(wire.at, out);
  }
  wire.run(5ms);
  ASSERT_EQ(wire.client.heard.size(), 3U);
  const auto& heard = wire.client.heard;
  EXPECT_EQ(static_cast<std::uint16_t>(heard[1].sequence - heard[0].sequence), 1);
  EXPECT_EQ(static_cast<std::uint16_t>(heard[2].sequence - heard[1].sequence), 2) << "a hole is left out";
  EXPECT_EQ(heard[1].timestamp - heard[0].timestamp, 960U);
  EXPECT_EQ(heard[2].timestamp - heard[1].timestamp, 960U);
}

TEST(Leg, NothingIsSentBeforeTheKeys) {
  Wire wire;
  wire.start();
  EXPECT_FALSE(wire.client.leg->send_rtp(wire.at, packet("early")));
  EXPECT_FALSE(wire.server.leg->send_rtp(wire.at, packet("early")));
}

TEST(Leg, JoinsAtThirtyPercentLoss) {
  std::vector<double> joins;
  for (int i = 0; i < 12; ++i) {
    Wire wire;
    wire.random.seed(static_cast<unsigned>(i));
    wire.loss = 0.3;
    const TimePoint start = wire.at;
    wire.client_config.timeout = wire.server_config.timeout = 20s;
    ASSERT_TRUE(wire.connect(10s)) << "join " << i;
    joins.push_back(to_ms(wire.at - start));
  }
  std::sort(joins.begin(), joins.end());
  std::printf("join at 30 %% loss: median %.0f ms, worst %.0f ms\n", joins[6], joins.back());
  EXPECT_LT(joins[6], 1000);
}

TEST(Leg, WrongCertificateEndsIt) {
  Wire wire;
  auto stranger = dtls::Identity::create().value();
  wire.server_config.remote_fingerprint = stranger->fingerprint();
  wire.start();
  ASSERT_TRUE(wire.run_until([&] { return wire.server.end.has_value(); }, 3s));
  EXPECT_EQ(*wire.server.end, LegEnd::wrong_certificate);
  EXPECT_EQ(wire.server.connected, 0);
}

TEST(Leg, WrongPasswordGetsSilence) {
  Wire wire;
  wire.client_config.remote_pwd = ice::Credentials::random().pwd;
  wire.start();
  wire.run(2s);
  EXPECT_EQ(wire.server.connected, 0);
  EXPECT_EQ(wire.server.leg->traffic().packets_out, 0U);
  EXPECT_GT(wire.server.leg->traffic().refused, 0U);
  EXPECT_FALSE(wire.server.leg->remote().has_value()) << "no address is learnt without integrity";
}

TEST(Leg, StrangersAndDamageAreRefusedAndTheCallGoesOn) {
  Wire wire;
  ASSERT_TRUE(wire.connect());
  wire.client.leg->send_rtp(wire.at, packet("genuine"));
  wire.run(5ms);
  ASSERT_EQ(wire.server.heard.size(), 1U);
  const ByteBuffer genuine =
      *std::find_if(wire.to_server.rbegin(), wire.to_server.rend(), [](const ByteBuffer& d) {
        return net::classify(d) == net::PacketKind::rtp_or_rtcp && !net::is_rtcp(d);
      });
  const auto before = wire.server.leg->traffic().refused;
  const Address stranger = address("198.51.100.7:9999");

  EXPECT_FALSE(wire.inject(stranger, genuine)) << "right packet, wrong address";
  EXPECT_FALSE(wire.inject(wire.client.self, genuine)) << "replay";
  for (int i = 0; i < 200; ++i) {  // a hundred bad tags hang up other servers
    ByteBuffer damaged = genuine;
    damaged[3] = static_cast<std::uint8_t>(i);  // another sequence number, so that it is not just a replay
    damaged.back() ^= 0x55;
    EXPECT_FALSE(wire.inject(wire.client.self, damaged));
  }
  ByteBuffer other_type = genuine;
  other_type[1] = 96;
  EXPECT_FALSE(wire.inject(wire.client.self, other_type)) << "payload type that was not negotiated";
  const std::uint8_t plain[] = {0x80, 111, 0, 1, 0, 0, 0, 0, 0, 0, 4, 0x57, 1, 2, 3, 4};
  EXPECT_FALSE(wire.inject(wire.client.self, plain)) << "unprotected RTP on a protected leg";
  const std::uint8_t hello[] = {22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0};
  EXPECT_FALSE(wire.inject(stranger, hello)) << "ClientHello from an address that passed no check";
  EXPECT_GE(wire.server.leg->traffic().refused, before + 204);
  EXPECT_FALSE(wire.server.end.has_value());

  wire.client.leg->send_rtp(wire.at, packet("still here", 960));
  wire.run(5ms);
  ASSERT_EQ(wire.server.heard.size(), 2U);
  EXPECT_EQ(as_text(wire.server.heard[1].data()), "still here");
}

TEST(Leg, ClientThatMovesKeepsItsCall) {
  Wire wire;
  ASSERT_TRUE(wire.connect());
  wire.client.self = address("203.0.113.5:6000");  // the NAT gave it another address
  const TimePoint moved = wire.at;
  ASSERT_TRUE(wire.run_until([&] { return wire.server.leg->remote() == wire.client.self; }, 6s));
  std::printf("media follows a silent client after %.0f ms\n", to_ms(wire.at - moved));
  EXPECT_TRUE(wire.server.leg->send_rtp(wire.at, packet("found you")));
  wire.run(5ms);
  EXPECT_EQ(wire.client.heard.size(), 1U);
}

// A host with two uplinks: every packet is heard, and media does not follow each of them.
TEST(Leg, AddressesThatAlternateAreHeardAndDoNotFlap) {
  Wire wire;
  ASSERT_TRUE(wire.connect());
  wire.second = address("203.0.113.5:6000");
  int moves = 0;
  auto remote = wire.server.leg->remote();
  for (int i = 0; i < 50 * 20; ++i) {  // 20 s of talk
    wire.client.leg->send_rtp(wire.at, packet("up", static_cast<std::uint64_t>(i) * 960));
    wire.server.leg->send_rtp(wire.at, packet("down", static_cast<std::uint64_t>(i) * 960));
    for (int ms = 0; ms < 20; ++ms) {
      wire.run(1ms);
      moves += std::exchange(remote, wire.server.leg->remote()) != remote ? 1 : 0;
    }
  }
  EXPECT_LE(moves, 8) << "of 2,000 datagrams";
  EXPECT_EQ(wire.client.heard.size(), 1'000U);
  // Until a check has come from there, at most two of the client's intervals later, what comes from the
  // second address is a stranger's.
  EXPECT_GE(wire.server.heard.size(), 1'000U - 6 * 25);
  EXPECT_FALSE(wire.server.end.has_value());
  // Who has not passed a check moves nothing, however much of it comes.
  wire.second.reset();
  wire.run(15s);
  remote = wire.server.leg->remote();
  const ByteBuffer check = *std::find_if(wire.to_server.rbegin(), wire.to_server.rend(), [](const auto& d) {
    return net::classify(d) == net::PacketKind::stun;
  });
  for (int i = 0; i < 100; ++i) {
    ByteBuffer forged = check;
    forged[forged.size() - 20] ^= 1;  // within the integrity
    EXPECT_FALSE(wire.inject(address("198.51.100.7:9999"), forged));
  }
  EXPECT_EQ(wire.server.leg->remote(), remote);
}

TEST(Leg, ReportsLossJitterAndRoundTrip) {
  Wire wire;
  ASSERT_TRUE(wire.connect());
  for (int i = 0; i < 200; ++i) {
    wire.client.leg->send_rtp(wire.at, packet("up", static_cast<std::uint64_t>(i) * 960));
    wire.loss = i % 10 == 9 ? 1.0 : 0.0;
    wire.run(1ms);
    wire.loss = 0;
    wire.run(19ms);
  }
  const auto server = wire.server.leg->traffic();
  const auto client = wire.client.leg->traffic();
  EXPECT_NEAR(static_cast<double>(server.lost_in), 20, 3);
  EXPECT_NEAR(client.fraction_lost_out, 0.1, 0.06);
  EXPECT_GE(client.round_trip_ms, 0);
  EXPECT_LT(client.round_trip_ms, 10);
}

TEST(Leg, PeerThatNeverSpeaksDtlsTimesOut) {
  Wire wire;
  wire.start();
  // Checks go on, DTLS never gets through: the path is lossy for everything that is not STUN.
  wire.only_stun = true;
  ASSERT_TRUE(wire.run_until([&] { return wire.server.end.has_value(); }, 40s));
  EXPECT_EQ(*wire.server.end, LegEnd::timeout);
}

TEST(Leg, SilentPeerTimesOut) {
  Wire wire;
  ASSERT_TRUE(wire.connect());
  wire.loss = 1;
  const TimePoint lost = wire.at;
  ASSERT_TRUE(wire.run_until([&] { return wire.server.end.has_value(); }, 15s));
  EXPECT_EQ(*wire.server.end, LegEnd::timeout);
  EXPECT_NEAR(to_seconds(wire.at - lost), 10, 3);
}

TEST(Leg, GoodbyeIsHeard) {
  Wire wire;
  ASSERT_TRUE(wire.connect());
  wire.client.leg->send_rtp(wire.at, packet("x"));
  wire.run(5ms);
  wire.client.leg->close(wire.at);
  wire.run(5ms);
  ASSERT_TRUE(wire.server.end.has_value());
  EXPECT_TRUE(*wire.server.end == LegEnd::bye || *wire.server.end == LegEnd::dtls_closed);
}

TEST(Leg, RestartOfIceKeepsTheCall) {
  Wire wire;
  ASSERT_TRUE(wire.connect());
  const auto client = ice::Credentials::random();
  const auto server = ice::Credentials::random();
  wire.server.leg->restart_ice(wire.at, server.ufrag, server.pwd, client.ufrag, client.pwd);
  wire.client.leg->restart_ice(wire.at, client.ufrag, client.pwd, server.ufrag, server.pwd);
  wire.client.self = address("203.0.113.8:7000");
  ASSERT_TRUE(wire.run_until([&] { return wire.server.leg->remote() == wire.client.self; }, 6s));
  EXPECT_TRUE(wire.server.leg->send_rtp(wire.at, packet("after restart")));
  wire.run(5ms);
  EXPECT_EQ(wire.client.heard.size(), 1U);
}

struct PlainCase {
  const char* name;
  std::optional<std::uint32_t> offered_ssrc;
  const char* from;
  std::uint32_t ssrc;
  bool accepted;
};

void PrintTo(const PlainCase& one, std::ostream* out) {
  *out << one.name;
}

class PlainLeg : public testing::TestWithParam<PlainCase> {};

ByteBuffer rtp(std::uint32_t ssrc, std::uint8_t sequence = 1) {
  ByteBuffer out{0x80, 111, 0, sequence, 0, 0, 0, 0};
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<std::uint8_t>(ssrc >> shift));
  out.push_back(0xf8);
  return out;
}

TEST_P(PlainLeg, TakesOnlyTheOfferedSource) {
  Wire wire(false);
  wire.server_config.remote_ssrc = GetParam().offered_ssrc;
  wire.start();
  wire.run(5ms);
  EXPECT_EQ(wire.server.connected, 1);
  EXPECT_EQ(wire.inject(address(GetParam().from), rtp(GetParam().ssrc)), GetParam().accepted);
  EXPECT_EQ(wire.server.heard.size(), GetParam().accepted ? 1U : 0U);
}

INSTANTIATE_TEST_SUITE_P(Sources, PlainLeg,
                         testing::Values(PlainCase{"offered_port", std::nullopt, "192.0.2.1:4000", 5, true},
                                         PlainCase{"other_port_without_ssrc", std::nullopt, "192.0.2.1:4001",
                                                   5, false},
                                         PlainCase{"other_port_right_ssrc", 5, "192.0.2.1:4001", 5, true},
                                         PlainCase{"other_port_wrong_ssrc", 5, "192.0.2.1:4001", 6, false},
                                         PlainCase{"other_host_right_ssrc", 5, "192.0.2.2:4000", 5, false}),
                         [](const auto& test) { return test.param.name; });

TEST(PlainLeg, SourceIsFixedByTheFirstPacket) {
  Wire wire(false);
  wire.server_config.remote_ssrc = 5;
  wire.start();
  EXPECT_TRUE(wire.inject(address("192.0.2.1:4001"), rtp(5, 1)));
  EXPECT_FALSE(wire.inject(address("192.0.2.1:4002"), rtp(5, 2))) << "never moved";
  EXPECT_TRUE(wire.inject(address("192.0.2.1:4001"), rtp(5, 3)));
}

TEST(PlainLeg, OnlyWhoMustSendTimesOut) {
  for (const bool expects : {true, false}) {
    Wire wire(false);
    wire.server_config.expects_media = expects;
    wire.start();
    wire.client.leg.reset(new Leg(wire.client_config, nullptr, wire.client, wire.at));
    wire.loss = 1;
    wire.run(11s);
    EXPECT_EQ(wire.server.end.has_value(), expects);
  }
}

}  // namespace
}  // namespace parley
