#include "client/carrier_choice.hpp"

#include <gtest/gtest.h>

namespace parley::client {
namespace {

// A call in virtual time: what UDP does, and which carrier is chosen.
struct Call {
  CarrierChoice choice;
  TimePoint at{1000s};
  CarrierChoice::Signs signs;
  bool udp = true, answers = true, rtp = true;
  Carrier carrier = Carrier::udp;
  int changes = 0;

  explicit Call(CarrierRule rule = CarrierRule::automatic) : choice(rule) { choice.begin(at); }

  void run(Duration time) {
    for (const TimePoint end = at + time; at < end; at += 50ms) {
      if (udp) {
        signs.ready = true;
        signs.heard = at;
        if (answers) signs.answered = at;
        if (rtp && carrier != Carrier::websocket) signs.heard_rtp = at;
      }
      const Carrier next = choice.decide(at, signs);
      changes += next != carrier ? 1 : 0;
      carrier = next;
    }
  }
  double seconds_until(Carrier wanted, Duration limit = 200s) {
    const TimePoint begin = at;
    while (carrier != wanted && at - begin < limit) run(50ms);
    return to_seconds(at - begin);
  }
};

TEST(CarrierChoice, StaysWithUdpThatWorks) {
  Call call;
  call.run(10min);
  EXPECT_EQ(call.carrier, Carrier::udp);
  EXPECT_EQ(call.changes, 0);
}

TEST(CarrierChoice, BlockedUdpIsLeftASecondAfterJoining) {
  Call call;
  call.udp = false;
  EXPECT_LT(call.seconds_until(Carrier::websocket), 1.2);
  call.run(5min);
  EXPECT_EQ(call.carrier, Carrier::websocket);
  EXPECT_EQ(call.changes, 1);
  call.signs = {};
  call.choice.begin(call.at);  // another server, the same network: known now
  call.carrier = Carrier::udp;
  call.run(50ms);
  EXPECT_EQ(call.carrier, Carrier::websocket);
}

TEST(CarrierChoice, UdpThatDiesIsLeftWithinTwoSeconds) {
  Call call;
  call.run(20s);
  call.udp = false;
  EXPECT_LT(call.seconds_until(Carrier::websocket), 1.2);
}

TEST(CarrierChoice, ARebindingOrALongPathIsNoReason) {
  Call call;
  call.run(20s);
  call.udp = false;
  call.run(700ms);
  call.udp = true;
  call.run(5s);
  EXPECT_EQ(call.changes, 0);
  call.signs.round_trip = 800ms;
  call.udp = false;
  call.run(1700ms);
  call.udp = true;
  call.run(5s);
  EXPECT_EQ(call.changes, 0);
}

TEST(CarrierChoice, AWayThatIsBlockedInOneDirectionOnlyIsFoundOut) {
  Call call;
  call.run(20s);
  call.answers = false;  // the server's media still comes
  EXPECT_NEAR(call.seconds_until(Carrier::websocket), 5, 0.2);
}

TEST(CarrierChoice, ComesBackThroughATrial) {
  Call call;
  call.udp = false;
  call.seconds_until(Carrier::websocket);
  call.run(10s);
  call.udp = true;
  EXPECT_NEAR(call.seconds_until(Carrier::both), 2, 0.2);
  EXPECT_NEAR(call.seconds_until(Carrier::udp), 1, 0.2);
  call.run(10min);
  EXPECT_EQ(call.carrier, Carrier::udp);
}

TEST(CarrierChoice, ATrialWithoutMediaFails) {
  Call call;
  call.udp = false;
  call.seconds_until(Carrier::websocket);
  call.udp = true;
  call.rtp = false;  // checks get through, larger packets do not
  call.seconds_until(Carrier::both);
  EXPECT_NEAR(call.seconds_until(Carrier::websocket), 5, 0.2);
  EXPECT_NEAR(call.seconds_until(Carrier::both), 4, 0.3) << "twice as long as the first time";
  call.signs.expects_rtp = false;  // nobody sends us any
  EXPECT_NEAR(call.seconds_until(Carrier::udp), 1, 0.2);
}

TEST(CarrierChoice, ANetworkThatComesAndGoesIsTrustedLessEachTime) {
  Call call;
  call.run(20s);
  std::vector<double> away;
  for (int round = 0; round < 8; ++round) {
    call.udp = false;
    call.seconds_until(Carrier::websocket);
    call.udp = true;
    away.push_back(call.seconds_until(Carrier::udp));
    call.run(3s);
  }
  EXPECT_NEAR(away[0], 3, 0.3);
  EXPECT_NEAR(away[1], 5, 0.3);
  EXPECT_NEAR(away[2], 9, 0.3);
  EXPECT_NEAR(away[7], 61, 0.3) << "not for ever";
  call.run(2min);  // calm
  call.udp = false;
  call.seconds_until(Carrier::websocket);
  call.udp = true;
  EXPECT_NEAR(call.seconds_until(Carrier::udp), 3, 0.3) << "forgiven";
}

TEST(CarrierChoice, AnAnswerThatPausesStartsTheWaitAnew) {
  Call call;
  call.udp = false;
  call.seconds_until(Carrier::websocket);
  for (int i = 0; i < 20; ++i) {
    call.udp = true;
    call.run(1s);
    call.udp = false;
    call.run(2s);
  }
  EXPECT_EQ(call.carrier, Carrier::websocket);
  EXPECT_EQ(call.changes, 1);
}

TEST(CarrierChoice, FollowsAnOrderAndARefusal) {
  Call udp(CarrierRule::udp), websocket(CarrierRule::websocket), refused;
  udp.udp = refused.udp = false;
  udp.run(20s);
  EXPECT_EQ(udp.carrier, Carrier::udp);
  websocket.run(20s);
  EXPECT_EQ(websocket.carrier, Carrier::websocket);
  refused.run(5s);
  EXPECT_EQ(refused.carrier, Carrier::websocket);
  refused.choice.refused();
  refused.run(20s);
  EXPECT_EQ(refused.carrier, Carrier::udp);
}

}  // namespace
}  // namespace parley::client
