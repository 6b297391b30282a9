// A leg whose packets go by another way than UDP, and back.
#include <gtest/gtest.h>

#include "tests/unit/transport/leg/wire.hpp"

namespace parley {
namespace {

RtpOut packet(std::string_view payload, std::uint64_t media_time) {
  RtpOut out;
  out.payload = as_bytes(payload);
  out.media_time = media_time;
  return out;
}

void use(Wire& wire, Carrier carrier) {
  wire.server.leg->set_carrier(wire.at, carrier);
  wire.client.leg->set_carrier(wire.at, carrier);
}

// Both ends say something every 20 ms.
void talk(Wire& wire, int packets, std::uint64_t& time) {
  for (int i = 0; i < packets; ++i, time += 960) {
    wire.client.leg->send_rtp(wire.at, packet("up", time));
    wire.server.leg->send_rtp(wire.at, packet("down", time));
    wire.run(20ms);
  }
}

void expect_whole(const std::vector<MediaPacket>& heard, std::size_t count) {
  ASSERT_EQ(heard.size(), count);
  for (std::size_t i = 1; i < heard.size(); ++i)
    ASSERT_EQ(static_cast<std::uint16_t>(heard[i].sequence - heard[i - 1].sequence), 1) << "at " << i;
}

TEST(Carrier, ALegWithoutUdpIsConnectedByTheWebSocketAlone) {
  Wire wire;
  wire.blocked = true;
  wire.start();
  wire.run(1s);
  EXPECT_FALSE(wire.client.leg->connected());
  use(wire, Carrier::websocket);
  EXPECT_TRUE(wire.client.leg->connected());
  EXPECT_EQ(wire.client.connected, 1);
  EXPECT_EQ(wire.server.connected, 1);
  std::uint64_t time = 0;
  talk(wire, 100, time);
  expect_whole(wire.server.heard, 100);
  expect_whole(wire.client.heard, 100);
  EXPECT_EQ(as_text(wire.client.heard[0].data()), "down");
  EXPECT_EQ(wire.client.leg->traffic().carrier, Carrier::websocket);
}

// Minutes of it: ICE gives up its search more than once and the leg must not.
TEST(Carrier, TheSearchForUdpNeverEndsAndFindsIt) {
  Wire wire;
  wire.blocked = true;
  wire.start();
  use(wire, Carrier::websocket);
  std::uint64_t time = 0;
  talk(wire, 50 * 65, time);
  EXPECT_FALSE(wire.client.end.has_value());
  EXPECT_FALSE(wire.server.end.has_value());
  EXPECT_FALSE(wire.client.leg->udp_signs().ready);
  wire.blocked = false;
  talk(wire, 50 * 2, time);
  ASSERT_TRUE(wire.client.leg->udp_signs().ready);
  EXPECT_EQ(wire.client.connected, 1) << "told twice";
  use(wire, Carrier::both);
  talk(wire, 50, time);
  use(wire, Carrier::udp);
  talk(wire, 50, time);
  expect_whole(wire.server.heard, time / 960);
  expect_whole(wire.client.heard, time / 960);
  EXPECT_TRUE(wire.client.leg->udp_signs().heard_rtp.has_value());
}

TEST(Carrier, UdpThatDiesInTheMiddleAndComesBackKeepsTheStreamWhole) {
  Wire wire;
  ASSERT_TRUE(wire.connect());
  std::uint64_t time = 0;
  talk(wire, 50, time);
  wire.blocked = true;
  use(wire, Carrier::websocket);
  talk(wire, 200, time);
  EXPECT_LT(*wire.client.leg->udp_signs().heard, wire.at - 3s);
  wire.blocked = false;
  talk(wire, 100, time);
  EXPECT_GT(*wire.client.leg->udp_signs().answered, wire.at - 2s) << "asked once a second";
  use(wire, Carrier::both);
  talk(wire, 50, time);
  use(wire, Carrier::udp);
  talk(wire, 50, time);
  expect_whole(wire.server.heard, time / 960);
  expect_whole(wire.client.heard, time / 960);
}

// RFC 3711 section 3.3.1: 65,536 packets by another way turn the sequence number once round.
TEST(Carrier, SrtpKeepsItsPlaceWhileTheSequenceNumberRollsOver) {
  for (const int away : {20'000, 40'000, 70'000, 140'000}) {
    Wire wire;
    ASSERT_TRUE(wire.connect());
    std::uint64_t time = 0;
    talk(wire, 5, time);
    wire.blocked = true;
    use(wire, Carrier::websocket);
    for (int i = 0; i < away; ++i, time += 960) {
      wire.client.leg->send_rtp(wire.at, packet("up", time));
      wire.server.leg->send_rtp(wire.at, packet("down", time));
      wire.client.leg->receive_carried(wire.at, wire.server.carried.front());
      wire.server.leg->receive_carried(wire.at, wire.client.carried.front());
      wire.server.carried.clear();
      wire.client.carried.clear();
    }
    wire.blocked = false;
    wire.run(2s);
    use(wire, Carrier::udp);
    const auto before = wire.server.heard.size();
    talk(wire, 50, time);
    EXPECT_EQ(wire.server.heard.size() - before, 50U) << away;
    EXPECT_EQ(wire.client.heard.size(), wire.server.heard.size()) << away;
  }
}

TEST(Carrier, BothWaysAtOnceIsHeardOnce) {
  Wire wire;
  ASSERT_TRUE(wire.connect());
  use(wire, Carrier::both);
  std::uint64_t time = 0;
  talk(wire, 100, time);
  expect_whole(wire.server.heard, 100);
  expect_whole(wire.client.heard, 100);
}

TEST(Carrier, AServerTakesNothingThatItHasNotOpened) {
  Wire wire;
  ASSERT_TRUE(wire.connect());
  wire.client.leg->set_carrier(wire.at, Carrier::websocket);
  std::uint64_t time = 0;
  talk(wire, 10, time);
  EXPECT_TRUE(wire.server.heard.empty());
  EXPECT_GE(wire.server.leg->traffic().refused, 10U);
}

TEST(Carrier, WhatIsNoRtpOrNotOfThisLegIsRefused) {
  Wire wire;
  wire.start();
  use(wire, Carrier::websocket);
  ASSERT_TRUE(wire.client.leg->send_rtp(wire.at, packet("hello", 0)));
  ByteBuffer good = wire.client.carried.front();
  const auto refused = [&](ByteBuffer bytes) { return !wire.server.leg->receive_carried(wire.at, bytes); };
  ByteBuffer other_type = good, short_one(good.begin(), good.begin() + 11), version = good, long_one = good;
  other_type[1] ^= 1;
  version[0] ^= 0x40;
  long_one.resize(kMaxCarriedPacket + 1);
  EXPECT_TRUE(refused(other_type));
  EXPECT_TRUE(refused(short_one));
  EXPECT_TRUE(refused(version));
  EXPECT_TRUE(refused(long_one));
  EXPECT_TRUE(refused({}));
  EXPECT_TRUE(refused(ByteBuffer{0x80, 200, 0xff, 0xff, 0, 0, 0, 0})) << "RTCP that claims more than it has";
  EXPECT_TRUE(refused(ByteBuffer(20, 22))) << "DTLS";
  EXPECT_TRUE(wire.server.heard.empty());
  EXPECT_FALSE(refused(good));
  EXPECT_EQ(wire.server.heard.size(), 1U);
}

TEST(Carrier, APlainLegHasOneCarrierOnly) {
  Wire wire(false);
  ASSERT_TRUE(wire.connect());
  use(wire, Carrier::websocket);
  std::uint64_t time = 0;
  talk(wire, 5, time);
  EXPECT_EQ(wire.server.heard.size(), 5U) << "by UDP as ever";
  EXPECT_TRUE(wire.client.carried.empty());
}

// UDP that lets checks through and no handshake: the call stays where it is.
TEST(Carrier, AHandshakeThatFailsEndsNoCarriedLeg) {
  Wire wire;
  wire.only_stun = true;
  wire.start();
  use(wire, Carrier::websocket);
  std::uint64_t time = 0;
  talk(wire, 50 * 35, time);
  EXPECT_FALSE(wire.client.end.has_value());
  EXPECT_FALSE(wire.server.end.has_value());
  expect_whole(wire.server.heard, 50 * 35);
}

// What kept the handshake away may be gone a minute later: it is begun anew, and UDP is ready when the client
// looks.
TEST(Carrier, AHandshakeThatFailedIsTriedAgain) {
  Wire wire;
  wire.only_stun = true;
  wire.start();
  use(wire, Carrier::websocket);
  std::uint64_t time = 0;
  talk(wire, 50 * 65, time);
  ASSERT_FALSE(wire.client.leg->udp_signs().ready);
  wire.only_stun = false;
  const TimePoint open = wire.at;
  while (wire.at - open < 60s && !(wire.client.leg->udp_signs().ready && wire.server.leg->udp_signs().ready))
    talk(wire, 10, time);
  ASSERT_TRUE(wire.client.leg->udp_signs().ready);
  ASSERT_TRUE(wire.server.leg->udp_signs().ready);
  std::printf("UDP is ready %.1f s after the handshake gets through\n", to_seconds(wire.at - open));
  use(wire, Carrier::udp);
  talk(wire, 50, time);
  expect_whole(wire.server.heard, time / 960);
  expect_whole(wire.client.heard, time / 960);
}

TEST(Carrier, GoodbyeGoesTheWayOfTheMedia) {
  Wire wire;
  wire.blocked = true;
  wire.start();
  use(wire, Carrier::websocket);
  wire.client.leg->close(wire.at);
  wire.run(5ms);
  EXPECT_EQ(wire.server.end, LegEnd::bye);
}

}  // namespace
}  // namespace parley
