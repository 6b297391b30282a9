#include "mcu/quality/diagnosis.hpp"

#include <gtest/gtest.h>

namespace parley::quality {
namespace {

Sample healthy(const std::string& name) {
  Sample out;
  out.participant = "id-" + name;
  out.name = name;
  out.path = kMcuUdp;
  out.round_trip_ms = 30;
  out.uplink = {0, 0, 3, 32, 40, 40, 0, 4.4};
  out.downlink = {0, 0, 3, 32, 40, 40, 0, 4.4};
  return out;
}
Sample direct(const std::string& name, const std::string& peer) {
  Sample out = healthy(name);
  out.path = kDirect;
  out.peer = peer;
  return out;
}

using Words = std::vector<std::string>;
Words words(const std::vector<Trouble>& troubles) {
  Words out;
  for (const auto& one : troubles)
    out.push_back((one.name.empty() ? "server" : one.name) + " " + one.direction + " " + one.cause +
                  ", hurts " + one.hurts);
  return out;
}
Words found(const std::vector<Sample>& room, const ServerLoad& load = {}) {
  return words(diagnose(room, load));
}

TEST(Diagnosis, AHealthyRoomHasNoTroubles) {
  EXPECT_EQ(found({}), Words{});
  EXPECT_EQ(found({healthy("Ann"), healthy("Bob"), direct("Ann", "Bob")}), Words{});
}

TEST(Diagnosis, ABadUplinkHurtsTheOthers) {
  auto ann = healthy("Ann");
  ann.uplink.loss = 0.08;
  const auto troubles = diagnose(std::vector{healthy("Bob"), ann}, {});
  ASSERT_EQ(words(troubles), Words{"Ann uplink loss, hurts others"});
  EXPECT_EQ(troubles[0].participant, "id-Ann");
  EXPECT_EQ(troubles[0].text,
            "8.0 % of what Ann sends is lost on its way to the server: everybody hears Ann broken");
}

TEST(Diagnosis, ABadDownlinkHurtsItsOwnListenerOnly) {
  auto ann = healthy("Ann");
  ann.downlink.loss = 0.3;
  const auto troubles = diagnose(std::vector{healthy("Bob"), ann}, {});
  ASSERT_EQ(words(troubles), Words{"Ann downlink loss, hurts itself"});
  EXPECT_EQ(troubles[0].text,
            "30 % of what the server sends to Ann is lost: Ann hears everybody broken, nobody else does");
}

TEST(Diagnosis, WhatFecRepairsIsNoTrouble) {
  auto ann = healthy("Ann");
  ann.uplink.loss = 0.05;
  ann.uplink.recovered = 0.045;
  EXPECT_EQ(found({ann}), Words{});
}

TEST(Diagnosis, JitterDelayAndTheWebSocketAreNamed) {
  auto ann = healthy("Ann"), bob = healthy("Bob"), eve = healthy("Eve");
  ann.uplink.jitter_ms = 60;
  bob.downlink.delay_ms = 250;
  eve.path = kMcuWebSocket;
  EXPECT_EQ(found({ann, bob, eve}),
            (Words{"Ann uplink jitter, hurts others", "Eve uplink websocket, hurts itself",
                   "Bob downlink delay, hurts itself"}));
  auto far = healthy("Far");
  far.round_trip_ms = 600;
  const auto troubles = diagnose(std::vector{far}, {});
  ASSERT_FALSE(troubles.empty());
  EXPECT_NE(troubles[0].text.find("most of it on the network"), std::string::npos) << troubles[0].text;
}

TEST(Diagnosis, WhereMostSufferAtOnceItIsTheServersNetwork) {
  std::vector<Sample> room;
  for (const char* name : {"A", "B", "C", "D", "E"}) room.push_back(healthy(name));
  room[0].uplink.loss = room[1].uplink.loss = 0.1;
  EXPECT_EQ(found(room), (Words{"A uplink loss, hurts others", "B uplink loss, hurts others"}));
  room[2].uplink.loss = 0.1;
  EXPECT_EQ(found(room), Words{"server server network, hurts everybody"});
  room[4].uplink.loss = -1;  // who says nothing is no witness
  room[3].uplink.loss = -1;
  EXPECT_EQ(found(room), Words{"server server network, hurts everybody"});
}

TEST(Diagnosis, AnOverloadedServerIsNamedFirst) {
  auto ann = healthy("Ann");
  ann.uplink.loss = 0.08;
  EXPECT_EQ(found({ann}, {.ticks = 240, .skipped_ticks = 10, .packets = 1'000, .dropped = 0}),
            (Words{"server server overload, hurts everybody", "Ann uplink loss, hurts others"}));
  EXPECT_EQ(found({}, {.ticks = 250, .skipped_ticks = 0, .packets = 1'000, .dropped = 20}),
            Words{"server server overload, hurts everybody"});
  EXPECT_EQ(found({}, {.ticks = 250, .skipped_ticks = 1, .packets = 1'000, .dropped = 1}), Words{});
}

TEST(Diagnosis, OfADirectCallTheListenersEndIsTheWitness) {
  auto ann = direct("Ann", "Bob"), bob = direct("Bob", "Ann");
  ann.uplink.loss = bob.downlink.loss = 0.1;
  const auto troubles = diagnose(std::vector{ann, bob}, {});
  ASSERT_EQ(words(troubles), Words{"Bob direct loss, hurts itself"});
  EXPECT_EQ(troubles[0].text, "10 % of what Ann sends directly to Bob is lost: Bob hears Ann broken");
  EXPECT_EQ(found({ann}), Words{"Ann direct loss, hurts peer"}) << "the other end says nothing";
}

TEST(Diagnosis, WhoMakesUpSoundWithoutALossHasATroubleOfItsOwn) {
  auto ann = healthy("Ann"), bob = healthy("Bob");
  ann.downlink.concealed_ms = 800;
  EXPECT_EQ(found({ann, bob}), Words{"Ann downlink client, hurts itself"});
  bob.uplink.loss = 0.1;  // then what Ann has to make up is Bob's
  EXPECT_EQ(found({ann, bob}), Words{"Bob uplink loss, hurts others"});
}

}  // namespace
}  // namespace parley::quality
