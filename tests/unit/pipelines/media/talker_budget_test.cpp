// A crowd that talks at once is let in as far as the tick reaches.
#include "pipelines/media/talker_budget.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>

namespace parley::media {
namespace {

using std::chrono::microseconds;

// A room in which each talker costs the same and everybody wants a place.
struct Crowd {
  Duration tick = 20ms;
  Duration each = microseconds(100);
  Duration others{};
  int wanted = 500;
  TalkerBudget budget{tick};
  int talkers = 0;
  Duration worst{};

  void run(int ticks) {
    for (int i = 0; i < ticks; ++i) {
      const Duration work = talkers * each;
      worst = std::max(worst, work);
      talkers = std::min(wanted, budget.step(work, others, static_cast<std::size_t>(talkers)));
    }
  }
};

TEST(TalkerBudget, FillsTheTickAndNoMore) {
  Crowd crowd;
  crowd.run(200);
  EXPECT_GE(crowd.talkers, 80);
  EXPECT_LE(crowd.worst, 13ms);
}

TEST(TalkerBudget, TheTickOfTenMillisecondsHoldsHalf) {
  Crowd crowd{.tick = 10ms, .budget = TalkerBudget{10ms}};
  crowd.run(200);
  EXPECT_GE(crowd.talkers, 40);
  EXPECT_LE(crowd.worst, microseconds(6'500));
}

TEST(TalkerBudget, DearTalkersAreFewerAndNeverFillATick) {
  Crowd crowd{.each = microseconds(300)};
  crowd.run(200);
  EXPECT_GE(crowd.talkers, 25);
  EXPECT_LE(crowd.talkers, 40);
  EXPECT_LT(crowd.worst, 20ms);
}

TEST(TalkerBudget, WhatOtherRoomsNeedIsTakenOff) {
  Crowd crowd{.others = 6ms};
  crowd.run(200);
  EXPECT_GE(crowd.talkers, 40);
  EXPECT_LE(crowd.talkers, 60);
  // Not all of it, though: a share is left to everybody.
  Crowd squeezed{.others = 40ms};
  squeezed.run(200);
  EXPECT_GE(squeezed.talkers, 25);
}

TEST(TalkerBudget, EightAlwaysHaveAPlace) {
  Crowd crowd{.each = 5ms};
  crowd.run(200);
  EXPECT_EQ(crowd.talkers, TalkerBudget::kAlways);
}

TEST(TalkerBudget, CostThatRisesTurnsSomeOutAtOnceAndThenStands) {
  Crowd crowd;
  crowd.run(200);
  crowd.each = microseconds(200);
  crowd.run(30);
  EXPECT_LE(crowd.talkers, 65);
  crowd.run(200);
  const int settled = crowd.talkers;
  for (int i = 0; i < 200; ++i) {
    crowd.run(1);
    EXPECT_NEAR(crowd.talkers, settled, 3);
  }
}

TEST(TalkerBudget, ASingleSlowTickTurnsNobodyOut) {
  TalkerBudget budget(20ms);
  for (int i = 0; i < 100; ++i) budget.step(8ms, 0ms, 80);
  EXPECT_GE(budget.step(30ms, 0ms, 80), 80);
  EXPECT_GE(budget.step(8ms, 0ms, 80), 80);
}

TEST(TalkerBudget, RubbishTimesAreHarmless) {
  TalkerBudget budget(20ms);
  EXPECT_GE(budget.step(-5s, -5s, 10), TalkerBudget::kAlways);
  EXPECT_GE(budget.step(Duration::max(), Duration::max(), 10), TalkerBudget::kAlways);
  EXPECT_GE(budget.step(0ms, 0ms, 1'000'000), TalkerBudget::kAlways);
}

}  // namespace
}  // namespace parley::media
