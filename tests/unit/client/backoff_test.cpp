#include "client/backoff.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace parley::client {
namespace {

TEST(Backoff, DoublesUpToItsLongestStepAndStartsAnewWhenReset) {
  Backoff backoff(1);
  Duration step = Backoff::kFirst;
  for (int i = 0; i < 12; ++i) {
    const Duration pause = backoff.next();
    EXPECT_GE(pause, step / 2) << i;
    EXPECT_LE(pause, step) << i;
    step = std::min(step * 2, Backoff::kLongest);
  }
  backoff.reset();
  EXPECT_LE(backoff.next(), Backoff::kFirst);
}

TEST(Backoff, ClientsOfOneServerDoNotKnockTogether) {
  std::vector<Duration> pauses;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    Backoff backoff(seed * 7919);
    for (int i = 0; i < 5; ++i) backoff.next();
    pauses.push_back(backoff.next());
  }
  std::sort(pauses.begin(), pauses.end());
  EXPECT_GT(pauses[90] - pauses[10], Backoff::kLongest / 4);
}

}  // namespace
}  // namespace parley::client
