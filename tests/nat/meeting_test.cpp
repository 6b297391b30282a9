// Which kinds of NAT meet, and what it takes: real clients and a real server on a network of namespaces.
// Skipped, loudly, where namespaces or TUN devices cannot be made.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>

#include "tests/nat/table.hpp"
#include "transport/ice/port_prober.hpp"

namespace parley::nat {
namespace {

// Slower is a busy machine's first sound; the table says what it is made of.
constexpr double kFirstAudioMs = 300;

void judge(const std::vector<Outcome>& outcomes) {
  for (const auto& outcome : outcomes) {
    EXPECT_EQ(complaint(outcome), "");
    EXPECT_LE(outcome.audio_ms, kFirstAudioMs + (outcome.late_ms > 15 ? 300 : 0))
        << outcome.a << " with " << outcome.b;
  }
}

// The kinds in which nothing is left to chance; build/dev/bin/nat_table has all.
TEST(TruthTable, WhoCanMeetMeetsAndTheOthersTalkThroughTheServer) {
  NEEDS_LAB();
  std::vector<Side> kinds(sides().begin(), sides().begin() + 5);
  judge(examine_all(kinds, true));
}

TEST(TruthTable, WithoutUdpTheWebSocketCarriesTheCall) {
  NEEDS_LAB();
  World world({10ms, 0ms, 0}, {.tls = true});
  const auto& open = sides().front();
  std::vector<Case> cases;
  cases.push_back({kNoUdp.name, open.name, {}, Meets::never});
  cases.back().people = {person(world, kNoUdp, kAnnHz), person(world, open, kBobHz)};
  cases.push_back({kNoUdp.name, kNoUdp.name, {}, Meets::never});
  cases.back().people = {person(world, kNoUdp, kAnnHz), person(world, kNoUdp, kBobHz)};
  const auto outcomes = examine(world, std::move(cases));
  print(outcomes);
  for (const auto& outcome : outcomes) EXPECT_EQ(complaint(outcome), "");
}

// Ten calls at once, turned by turns; how many have gone direct.
int ten_calls(Kind a, Kind b, const World::Options& options, Duration limit) {
  World world({10ms, 0ms, 0}, options);
  for (int i = 0; i < 10; ++i) {
    const bool turned = i % 2 == 1;
    world.calls.emplace_back(world.person(turned ? b : a, kAnnHz), world.person(turned ? a : b, kBobHz));
  }
  world.start();
  int met = 0;
  const TimePoint end = now() + limit;
  for (const auto& call : world.calls) met += time_to_direct(call, std::max(end - now(), Duration(0ms))) >= 0;
  for (const auto& call : world.calls) EXPECT_EQ(both_hear(call), "");
  return met;
}

// The port that a symmetric NAT gives to the other's destination has to be predicted.
TEST(Guessing, ASymmetricAndAPortRestrictedNatMeet) {
  NEEDS_LAB();
  int met = 0;
  for (int round = 0; round < 2; ++round)
    met += ten_calls(Kind::symmetric, Kind::port_restricted, {.second_port = false}, 6s);
  std::printf("symmetric with port-restricted: %d of 20 went direct\n", met);
  EXPECT_GE(met, 16);
}

// Hundreds of sockets for each of the calls of this one process.
void allow_many_sockets() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

// Or found by chance, where it is drawn from all.
TEST(Probing, ASymmetricNatOfRandomPortsAndAPortRestrictedOneMeet) {
  NEEDS_LAB();
  allow_many_sockets();
  int met = 0;
  for (int round = 0; round < 2; ++round)
    met += ten_calls(Kind::symmetric_random, Kind::port_restricted, {}, 8s);
  std::printf(
      "symmetric (random ports) with port-restricted: %d of 20 went direct; by the mathematics %.1f %%\n",
      met, 100 * ice::chance_to_meet(448, 448));
  EXPECT_GE(met, 16);
}

TEST(Probing, WithoutASecondPortNobodyKnowsWhoHasToOpen) {
  NEEDS_LAB();
  allow_many_sockets();
  const int met = ten_calls(Kind::symmetric_random, Kind::port_restricted, {.second_port = false}, 7s);
  std::printf("the same without a second port at the server: %d of 10; by the mathematics %.1f %%\n", met,
              100 * ice::chance_to_meet(224, 224));
  EXPECT_GE(met, 1);
}

}  // namespace
}  // namespace parley::nat
