#include "transport/ice/ice_client.hpp"

#include <gtest/gtest.h>

#include "tests/unit/transport/ice/ice_world.hpp"

namespace parley::ice::test {
namespace {

const Address kHome = address("192.0.2.10:5000");
const Address kAway = address("203.0.113.7:6000");
const Address kMcu = address("198.51.100.1:5004");
const Address kMcu6 = address("[2001:db8::1]:5004");
const Address kNobody = address("198.51.100.99:5004");

struct ToLite {
  explicit ToLite(std::vector<Address> candidates = {kMcu}) {
    for (const auto& candidate : candidates) client.agent.add_remote_candidate(network.now, candidate);
  }
  Network network;
  LiteHost server{network, {kMcu, kMcu6}};
  ClientHost client{network, kHome, to_lite()};
};

TEST(IceClient, ConnectsInOneRoundTripAndNominatesInTwo) {
  ToLite world;
  world.network.run_for(20ms);
  EXPECT_EQ(world.client.agent.state(), ClientState::connected);
  EXPECT_EQ(world.client.agent.selected(), kMcu);
  EXPECT_FALSE(world.client.agent.nominated());
  world.network.run_for(20ms);
  EXPECT_TRUE(world.client.agent.nominated());
  EXPECT_EQ(world.server.agent.remote(), kHome);
  EXPECT_EQ(world.server.nominations, 1);
  EXPECT_EQ(world.client.agent.mapped_address(), kHome);
  EXPECT_EQ(world.network.sent, 4U);
}

TEST(IceClient, TriesSeveralCandidatesAndIgnoresTheDeadOnes) {
  ToLite world({kNobody, kMcu});
  ASSERT_TRUE(world.network.run_while_not([&] { return world.client.settled(); }, 1s));
  EXPECT_EQ(world.client.agent.selected(), kMcu);
  world.network.run_for(60s);
  EXPECT_EQ(world.client.agent.selected(), kMcu);
  EXPECT_EQ(world.client.changes, 1);
}

TEST(IceClient, SettlesOnOneOfTwoThatWork) {
  ToLite world({kMcu, kMcu6});
  ASSERT_TRUE(world.network.run_while_not([&] { return world.client.settled(); }, 1s));
  const auto chosen = world.client.agent.selected();
  world.network.run_for(30s);
  EXPECT_EQ(world.client.agent.selected(), chosen);
  EXPECT_LE(world.server.rebinds, 1);
}

TEST(IceClient, ChecksArePacedAndRetransmittedWithBackOff) {
  Network network;
  ClientHost client(network, kHome, to_lite());
  std::map<Address, std::vector<double>> times;
  const auto begin = network.now;
  for (std::uint16_t port = 1; port <= 3; ++port) {
    const Address candidate{kNobody.ip, port};
    client.agent.add_remote_candidate(network.now, candidate, 100U - port);
    network.listen(candidate, [&, candidate](TimePoint at, const Address&, Bytes) {
      times[candidate].push_back(to_ms(at - network.delay - begin));
    });
  }
  network.run_for(2'700ms);
  const std::vector<double> first{0, 100, 300, 700, 1'200, 1'700, 2'200};
  for (std::uint16_t port = 1; port <= 3; ++port) {
    auto expected = first;
    for (auto& time : expected) time += 20.0 * (port - 1);
    EXPECT_EQ(times[(Address{kNobody.ip, port})], expected) << port;
  }
}

TEST(IceClient, FindsAServerThatComesLate) {
  Network network;
  ClientHost client(network, kHome, to_lite());
  client.agent.add_remote_candidate(network.now, kMcu);
  network.run_for(8s);
  EXPECT_EQ(client.agent.state(), ClientState::checking);
  LiteHost server(network, {kMcu});
  EXPECT_TRUE(network.run_while_not([&] { return client.settled(); }, 2s));
}

TEST(IceClient, ProbesPortsSlowlyOnceAndAtOneAddress) {
  Network network;
  ClientHost client(network, kHome, to_lite());
  client.agent.add_remote_candidate(network.now, kNobody);
  network.run_for(1s);
  std::map<std::uint16_t, TimePoint> probed;
  for (int port = 1; port <= 0xffff; ++port) {
    const auto number = static_cast<std::uint16_t>(port);
    if (number == kNobody.port) continue;
    network.listen({kNobody.ip, number}, [&, number](TimePoint at, const Address&, Bytes) {
      EXPECT_TRUE(probed.emplace(number, at).second);
    });
  }
  client.agent.probe_ports(network.now, kNobody, {64, 224, 10'000});
  client.agent.probe_ports(network.now, {kAway.ip, 9'000}, {64, 224, 224});  // once
  network.run_for(10s);
  EXPECT_EQ(probed.size() + client.openings.size(), PortProber::kMost);
  EXPECT_EQ(client.openings, std::vector(224, kNobody));
  std::vector<TimePoint> times;
  for (const auto& [port, at] : probed) times.push_back(at);
  std::sort(times.begin(), times.end());
  for (std::size_t i = 1; i < times.size(); ++i) EXPECT_GE(times[i] - times[i - 1], PortProber::kSpacing);
}

// As behind a NAT: what is sent from elsewhere arrives, and the answer goes on from there.
TEST(IceClient, StopsProbingWhenThereIsAPath) {
  ToLite world({kNobody});
  world.client.agent.probe_ports(world.network.now, kNobody, {64, 448, 0});
  world.network.run_for(1s);
  const auto before = world.client.openings.size();
  EXPECT_GT(before, 10U);
  world.client.agent.add_remote_candidate(world.network.now, kMcu);
  ASSERT_TRUE(world.network.run_while_not([&] { return world.client.settled(); }, 1s));
  const auto then = world.client.openings.size();
  world.network.run_for(5s);
  EXPECT_EQ(world.client.openings.size(), then);
}

TEST(IceClient, GivesUpAfterTwentySeconds) {
  ToLite world({kNobody});
  world.network.run_for(19s);
  EXPECT_EQ(world.client.agent.state(), ClientState::checking);
  world.network.run_for(2s);
  EXPECT_EQ(world.client.agent.state(), ClientState::failed);
  EXPECT_EQ(world.client.agent.next_timeout(), TimePoint::max());
}

TEST(IceClient, SurvivesTwentyPercentLoss) {
  std::vector<double> times;
  for (unsigned seed = 1; seed <= 200; ++seed) {
    ToLite world;
    world.network.random.seed(seed);
    world.network.loss = 0.2;
    const auto begin = world.network.now;
    ASSERT_TRUE(world.network.run_while_not(
        [&] { return world.client.settled() && world.server.nominations > 0; }, 5s))
        << seed;
    times.push_back(to_ms(world.network.now - begin));
    world.network.run_for(60s);
    EXPECT_EQ(world.client.agent.state(), ClientState::connected) << seed;
    EXPECT_TRUE(world.server.agent.consent_valid(world.network.now)) << seed;
  }
  std::sort(times.begin(), times.end());
  std::printf("nominated at 20%% loss, 200 seeds: median %.0f ms, 90%% %.0f ms, worst %.0f ms\n", times[100],
              times[180], times[199]);
  EXPECT_LT(times[100], 150);
}

TEST(IceClient, KeepsAskingForConsent) {
  ToLite world;
  world.network.run_for(1s);
  const auto sent = world.network.sent;
  world.network.run_for(100s);
  const auto checks = static_cast<double>(world.network.sent - sent) / 2;  // each is answered
  EXPECT_GE(checks, 100 / (2.5 * 1.2) - 1);
  EXPECT_LE(checks, 100 / (2.5 * 0.8) + 1);
  EXPECT_TRUE(world.client.agent.consent_valid(world.network.now));
}

TEST(IceClient, ConsentExpiresThirtySecondsAfterTheLastAnswer) {
  ToLite world;
  world.network.run_for(1s);
  world.network.deafen(kMcu);
  world.network.run_for(29s);
  EXPECT_NE(world.client.agent.state(), ClientState::failed);
  world.network.run_for(3s);
  EXPECT_EQ(world.client.agent.state(), ClientState::failed);
  EXPECT_FALSE(world.client.agent.consent_valid(world.network.now));
  EXPECT_EQ(world.client.agent.next_timeout(), TimePoint::max());
}

TEST(IceClient, MovesToAnotherPairWhenTheSelectedOneDies) {
  ToLite world({kMcu});
  world.network.run_for(1s);
  world.client.agent.add_remote_candidate(world.network.now, kMcu6);
  world.network.run_for(1s);
  ASSERT_EQ(world.client.agent.selected(), kMcu);
  world.network.deafen(kMcu);
  ASSERT_TRUE(world.network.run_while_not([&] { return world.client.agent.selected() == kMcu6; }, 10s));
  world.network.run_for(60s);
  EXPECT_EQ(world.client.agent.selected(), kMcu6);
  EXPECT_EQ(world.client.changes, 2);
}

TEST(IceClient, ComesBackAfterAnOutageOnTheSamePath) {
  ToLite world;
  world.network.run_for(1s);
  world.network.loss = 1;
  world.network.run_for(15s);
  world.network.loss = 0;
  world.network.run_for(2s);
  EXPECT_EQ(world.client.agent.state(), ClientState::connected);
  EXPECT_TRUE(world.server.agent.consent_valid(world.network.now));
  EXPECT_EQ(world.client.agent.selected(), kMcu);
  const auto sent = world.network.sent;
  world.network.run_for(10s);
  EXPECT_LT(world.network.sent - sent, 15U) << "calm again";
}

TEST(IceClient, ANewMappingOfTheNatIsFollowedByTheServer) {
  ToLite world;
  world.network.run_for(10s);
  world.client.move_to(kAway);
  const auto moved = world.network.now;
  ASSERT_TRUE(world.network.run_while_not([&] { return world.server.agent.remote() == kAway; }, 5s));
  EXPECT_LT(world.network.now - moved, 3'100ms);
  EXPECT_EQ(world.client.agent.state(), ClientState::connected);
}

TEST(IceClient, AnAnnouncedChangeOfNetworkIsFollowedAtOnce) {
  ToLite world;
  world.network.run_for(10s);
  world.client.move_to(kAway);
  world.client.agent.network_changed(world.network.now);
  world.network.run_for(10ms);
  EXPECT_EQ(world.server.agent.remote(), kAway);
}

TEST(IceClient, RefusesCandidatesThatCouldHitOthers) {
  ToLite world(std::vector<Address>{});
  auto& agent = world.client.agent;
  for (const char* text : {"224.0.0.1:5004", "239.255.255.255:1", "255.255.255.255:5004", "0.0.0.0:5004",
                           "[ff02::1]:5004", "[::]:5004", "192.0.2.1:0"})
    EXPECT_FALSE(agent.add_remote_candidate(world.network.now, address(text))) << text;
  EXPECT_TRUE(agent.add_remote_candidate(world.network.now, kMcu));
  EXPECT_FALSE(agent.add_remote_candidate(world.network.now, kMcu)) << "known";
  std::size_t accepted = 1;
  for (std::uint16_t port = 1; port <= 1'000; ++port)
    accepted += agent.add_remote_candidate(world.network.now, Address{kNobody.ip, port}) ? 1 : 0;
  EXPECT_EQ(accepted, IceClient::kMaxCandidates);
}

TEST(IceClient, AResponseMustBeAuthenticAndComeFromWhereTheCheckWent) {
  struct Row {
    const char* name;
    const char* pwd;
    Address from;
    bool right_id;
    bool accepted;
  };
  const Row rows[] = {
      {"right", kServer.pwd.c_str(), kMcu, true, true},
      {"wrong password", kClient.pwd.c_str(), kMcu, true, false},
      {"another source", kServer.pwd.c_str(), kNobody, true, false},
      {"unknown transaction", kServer.pwd.c_str(), kMcu, false, false},
  };
  for (const auto& row : rows) {
    Network network;
    ClientHost client(network, kHome, to_lite());
    client.agent.add_remote_candidate(network.now, kMcu);
    network.listen(kMcu, [&](TimePoint, const Address& from, Bytes datagram) {
      auto id = stun::StunMessage::parse(datagram)->transaction_id();
      if (!row.right_id) id[0] ^= 1;
      stun::StunBuilder reply(stun::Class::success, id);
      reply.xor_mapped_address(from).integrity(row.pwd).fingerprint();
      network.send(row.from, from, reply.bytes());
    });
    network.run_for(500ms);
    EXPECT_EQ(client.agent.selected().has_value(), row.accepted) << row.name;
    EXPECT_EQ(client.agent.validated(kMcu), row.accepted) << row.name;
    EXPECT_EQ(client.agent.last_authenticated().has_value(), row.accepted) << row.name;
  }
}

TEST(IceClient, GarbageIsNothing) {
  ToLite world;
  std::mt19937 random(5);
  for (int i = 0; i < 10'000; ++i) {
    ByteBuffer noise(random() % 200);
    for (auto& byte : noise) byte = static_cast<std::uint8_t>(random());
    if (noise.size() > 8 && i % 2 == 0) {
      noise[0] = static_cast<std::uint8_t>(i % 3), noise[1] = 1;
      noise[4] = 0x21, noise[5] = 0x12, noise[6] = 0xa4, noise[7] = 0x42;
    }
    EXPECT_FALSE(world.client.agent.receive(world.network.now, kMcu, noise).authenticated);
    EXPECT_FALSE(world.server.agent.receive(world.network.now, kHome, noise).authenticated);
  }
  world.network.run_for(100ms);
  EXPECT_TRUE(world.client.settled());
}

TEST(IceClient, RestartsWithNewCredentialsWhileTheOldPathGoesOn) {
  const Credentials new_server{"nsrv", "newserverpasswordnewserv"};
  const Credentials new_client{"ncli", "newclientpasswordnewclie"};
  ToLite world;
  world.network.run_for(5s);
  world.server.agent.restart(new_server, new_client.ufrag);
  world.network.run_for(5s);
  EXPECT_TRUE(world.client.agent.consent_valid(world.network.now)) << "the old credentials still serve";

  world.client.move_to(kAway);
  world.client.agent.restart(world.network.now, new_client, new_server);
  EXPECT_EQ(world.client.agent.selected(), kMcu);
  EXPECT_FALSE(world.client.agent.nominated());
  EXPECT_TRUE(world.client.agent.add_remote_candidate(world.network.now, kMcu));
  world.network.run_for(100ms);
  EXPECT_TRUE(world.client.agent.nominated());
  EXPECT_EQ(world.server.agent.remote(), kAway);
  world.network.run_for(60s);
  EXPECT_EQ(world.client.agent.state(), ClientState::connected);
}

TEST(IceClient, ARestartRevivesAFailedAgent) {
  ToLite world({kNobody});
  world.network.run_for(30s);
  ASSERT_EQ(world.client.agent.state(), ClientState::failed);
  world.client.agent.restart(world.network.now, kClient, kServer);
  world.client.agent.add_remote_candidate(world.network.now, kMcu);
  world.network.run_for(100ms);
  EXPECT_TRUE(world.client.settled());
}

// --- two full agents

const Credentials kOther{"othr", "otherpasswordotherpasswo"};
const Address kFriend = address("203.0.113.50:7000");

struct Peers {
  explicit Peers(bool one_controls, bool two_controls, std::uint64_t tie_one = 1, std::uint64_t tie_two = 2)
      : one(network, kHome,
            {.local = kClient,
             .remote = kOther,
             .controlling = one_controls,
             .remote_lite = false,
             .tie_breaker = tie_one}),
        two(network, kFriend,
            {.local = kOther,
             .remote = kClient,
             .controlling = two_controls,
             .remote_lite = false,
             .tie_breaker = tie_two}) {}
  bool settle(Duration limit) {
    return network.run_while_not([&] { return one.settled() && two.settled(); }, limit);
  }
  Network network;
  ClientHost one, two;
};

TEST(IcePeers, MeetAndAgree) {
  Peers peers(true, false);
  peers.one.agent.add_remote_candidate(peers.network.now, kFriend);
  peers.two.agent.add_remote_candidate(peers.network.now, kHome);
  ASSERT_TRUE(peers.settle(1s));
  EXPECT_EQ(peers.one.agent.selected(), kFriend);
  EXPECT_EQ(peers.two.agent.selected(), kHome);
  peers.network.run_for(120s);
  EXPECT_TRUE(peers.one.agent.consent_valid(peers.network.now));
  EXPECT_TRUE(peers.two.agent.consent_valid(peers.network.now));
}

TEST(IcePeers, OneThatKnowsNoCandidateLearnsItFromAnAuthenticCheck) {
  Peers peers(true, false);
  peers.one.agent.add_remote_candidate(peers.network.now, kFriend);
  ASSERT_TRUE(peers.settle(1s));
  EXPECT_EQ(peers.two.agent.selected(), kHome);
}

TEST(IcePeers, DoNotTriggerEachOtherOnALongPath) {
  Peers peers(true, false);
  peers.network.delay = 300ms;
  peers.one.agent.add_remote_candidate(peers.network.now, kFriend);
  peers.two.agent.add_remote_candidate(peers.network.now, kHome);
  ASSERT_TRUE(peers.settle(3s));
  EXPECT_LT(peers.network.sent, 60U);
}

TEST(IcePeers, ThePreferredPairIsNominated) {
  const Address better = address("192.0.2.77:7000");
  Peers peers(true, false);
  peers.network.listen(better, [&](TimePoint at, const Address& from, Bytes datagram) {
    peers.two.agent.receive(at, from, datagram);
  });
  peers.one.agent.add_remote_candidate(peers.network.now, kFriend, 100);
  peers.one.agent.add_remote_candidate(peers.network.now, kNobody, 300);
  ASSERT_TRUE(peers.settle(2s));
  EXPECT_EQ(peers.one.agent.selected(), kFriend)
      << "the dead candidate has a higher priority and does not matter";
}

TEST(IcePeers, ARoleConflictIsSettledByTheTieBreaker) {
  struct Row {
    bool control;
    std::uint64_t tie_one, tie_two;
  };
  for (const Row row : {Row{true, 1, 2}, Row{true, 2, 1}, Row{false, 1, 2}, Row{false, 2, 1}}) {
    Peers peers(row.control, row.control, row.tie_one, row.tie_two);
    peers.one.agent.add_remote_candidate(peers.network.now, kFriend);
    peers.two.agent.add_remote_candidate(peers.network.now, kHome);
    ASSERT_TRUE(peers.settle(3s)) << row.control << row.tie_one;
    EXPECT_EQ(peers.one.agent.controlling(), row.tie_one > row.tie_two);
    EXPECT_EQ(peers.two.agent.controlling(), row.tie_two > row.tie_one);
    EXPECT_EQ(peers.one.agent.selected(), kFriend);
    EXPECT_EQ(peers.two.agent.selected(), kHome);
  }
}

TEST(IcePeers, SurviveTwentyPercentLoss) {
  for (unsigned seed = 1; seed <= 100; ++seed) {
    Peers peers(true, false);
    peers.network.random.seed(seed);
    peers.network.loss = 0.2;
    peers.one.agent.add_remote_candidate(peers.network.now, kFriend);
    peers.two.agent.add_remote_candidate(peers.network.now, kHome);
    ASSERT_TRUE(peers.settle(5s)) << seed;
    peers.network.run_for(60s);
    EXPECT_EQ(peers.one.agent.state(), ClientState::connected) << seed;
    EXPECT_EQ(peers.two.agent.state(), ClientState::connected) << seed;
  }
}

TEST(IcePeers, AStrangersCheckGetsNoAnswer) {
  Peers peers(true, false);
  const auto sent = peers.network.sent;
  for (const Check& check : {Check{}, Check{.username = "othr:cliu", .pwd = kClient.pwd},
                             Check{.username = "othr:cliu", .integrity = false},
                             Check{.username = "othr:cliu", .pwd = kOther.pwd, .fingerprint = false}})
    EXPECT_FALSE(peers.two.agent.receive(peers.network.now, kAway, check.build()).authenticated);
  EXPECT_EQ(peers.network.sent, sent);
}

TEST(IcePeers, PeerReflexiveCandidatesAreBoundedToo) {
  Peers peers(true, false);
  const auto check = Check{.username = "othr:cliu", .pwd = kOther.pwd}.build();
  for (std::uint16_t port = 1; port <= 1'000; ++port)
    peers.two.agent.receive(peers.network.now, Address{kAway.ip, port}, check);
  std::size_t known = 0;
  for (std::uint16_t port = 1; port <= 1'000; ++port)
    known += peers.two.agent.validated(Address{kAway.ip, port}) ? 1 : 0;
  EXPECT_EQ(known, IceClient::kMaxCandidates);
}

TEST(IceCredentials, AreMadeOfIceCharacters) {
  EXPECT_TRUE(Credentials::random().valid());
  EXPECT_NE(Credentials::random().pwd, Credentials::random().pwd);
  const std::string pwd(22, 'p');
  EXPECT_TRUE((Credentials{"a+/9", pwd}).valid());
  EXPECT_FALSE((Credentials{"abc", pwd}).valid());
  EXPECT_FALSE((Credentials{"abcd", std::string(21, 'p')}).valid());
  EXPECT_FALSE((Credentials{"ab:d", pwd}).valid());
  EXPECT_FALSE((Credentials{"ab d", pwd}).valid());
  EXPECT_FALSE((Credentials{std::string(257, 'a'), pwd}).valid());
  EXPECT_FALSE((Credentials{"abcd", std::string(257, 'a')}).valid());
}

}  // namespace
}  // namespace parley::ice::test
