#include "transport/ice/port_prober.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <set>
#include <vector>

namespace parley::ice {
namespace {

const Address kKnown{IpAddress::v4(0xc6336401), 40'000};

struct Sent {
  TimePoint at;
  PortProber::Probe probe;
};

// What it sends when it is asked every `step`.
std::vector<Sent> run(const ProbePlan& plan, Duration step, const Address& known = kKnown,
                      std::uint64_t seed = 1) {
  const TimePoint begin{100s};
  PortProber prober(begin, known, plan, seed);
  std::vector<Sent> sent;
  for (TimePoint at = begin; at < begin + 60s && prober.next() != TimePoint::max(); at += step)
    if (const auto probe = prober.take(at)) sent.push_back({at, *probe});
  return sent;
}

TEST(PortProber, NeverMoreThan512NeverCloserThan5MsAndToOneIpOnly) {
  constexpr unsigned kMany = 100'000;
  const ProbePlan plans[] = {{kMany, 0, 0},  {0, kMany, 0},  {0, 0, kMany},    {kMany, kMany, kMany},
                             {64, 448, 448}, {64, 224, 224}, {0, kMany, kMany}};
  for (const auto& plan : plans) {
    for (const Duration step : {Duration(100us), Duration(1ms), Duration(7ms)}) {
      const auto sent = run(plan, step);
      EXPECT_LE(sent.size(), 512U);
      EXPECT_GE(sent.size(), 500U);
      for (std::size_t i = 0; i < sent.size(); ++i) {
        EXPECT_EQ(sent[i].probe.to.ip, kKnown.ip);
        if (i > 0) {
          EXPECT_GE(sent[i].at - sent[i - 1].at, 5ms);
        }
      }
    }
  }
}

TEST(PortProber, APortIsTriedOnceAndOpeningsGoToTheKnownOne) {
  const auto sent = run({64, 224, 224}, 1ms);
  std::set<std::uint16_t> ports;
  unsigned openings = 0;
  for (const auto& [at, probe] : sent) {
    if (probe.new_socket) {
      ++openings;
      EXPECT_EQ(probe.to, kKnown);
    } else {
      EXPECT_TRUE(ports.insert(probe.to.port).second) << probe.to.port;
    }
  }
  EXPECT_EQ(openings, 224U);
  EXPECT_EQ(ports.size(), 64U + 224U);
  EXPECT_FALSE(ports.contains(kKnown.port));
  for (int step = 1; step <= 32; ++step) {
    EXPECT_TRUE(ports.contains(static_cast<std::uint16_t>(kKnown.port + step)));
    EXPECT_TRUE(ports.contains(static_cast<std::uint16_t>(kKnown.port - step)));
  }
}

TEST(PortProber, StaysWithinThePortsThereAre) {
  for (const std::uint32_t port : {1U, 20U, 65'530U, 65'535U}) {
    const Address known{kKnown.ip, static_cast<std::uint16_t>(port)};
    for (const auto& [at, probe] : run({64, 0, 448}, 5ms, known)) EXPECT_NE(probe.to.port, 0);
  }
}

TEST(PortProber, WaitsForTheAnswersToItsPredictions) {
  const auto sent = run({64, 448, 0}, 1ms);
  ASSERT_EQ(sent.size(), 512U);
  EXPECT_GE(sent[64].at - sent[63].at, PortProber::kPause);
}

TEST(PlanProbes, WhoVariesOpensAndTheOtherLooks) {
  using enum PortMapping;
  struct Case {
    PortMapping ours, peers;
    unsigned openings, random_ports;
  };
  const Case cases[] = {
      {varying, constant, 448, 0},  {constant, varying, 0, 448}, {varying, unknown, 448, 0},
      {unknown, varying, 0, 448},   {unknown, constant, 448, 0}, {constant, unknown, 0, 448},
      {unknown, unknown, 224, 224}, {constant, constant, 0, 0},  {varying, varying, 0, 0},
  };
  for (const auto& c : cases) {
    const auto plan = plan_probes(c.ours, c.peers, true);
    EXPECT_EQ(plan.openings, c.openings);
    EXPECT_EQ(plan.random_ports, c.random_ports);
    EXPECT_EQ(plan.predictions, 64U);
    const auto other = plan_probes(c.peers, c.ours, true);  // the two ends fit together
    EXPECT_EQ(other.openings, plan.random_ports);
    const auto without = plan_probes(c.ours, c.peers, false);
    EXPECT_EQ(without.openings + without.random_ports, 0U);
  }
}

// The figures of docs/design/0018-hard-nats.md, and a check of the formula by drawing.
TEST(PlanProbes, ChancesToMeet) {
  std::mt19937 random(1);
  const auto drawn = [&](unsigned mappings, unsigned ports) {
    int met = 0;
    for (int i = 0; i < 2'000; ++i) {
      std::set<unsigned> open;
      std::uniform_int_distribution<unsigned> any(0, PortProber::kPorts - 1);
      while (open.size() < mappings) open.insert(any(random));
      std::set<unsigned> tried;
      while (tried.size() < ports) tried.insert(any(random));
      met += std::any_of(tried.begin(), tried.end(), [&](unsigned port) { return open.contains(port); });
    }
    return met / 2'000.0;
  };
  for (const unsigned count : {128U, 224U, 256U, 448U, 512U})
    std::printf("%u mappings, %u ports of %u: %.1f %%\n", count, count, PortProber::kPorts,
                100 * chance_to_meet(count, count));
  EXPECT_NEAR(chance_to_meet(448, 448), 0.956, 0.001);
  EXPECT_NEAR(chance_to_meet(224, 224), 0.541, 0.001);
  EXPECT_NEAR(chance_to_meet(448, 448), drawn(448, 448), 0.02);
  EXPECT_NEAR(chance_to_meet(224, 224), drawn(224, 224), 0.04);
  EXPECT_EQ(chance_to_meet(0, 512), 0);
  EXPECT_EQ(chance_to_meet(PortProber::kPorts, 1), 1);
}

}  // namespace
}  // namespace parley::ice
