// The ladder of overload: up within a second, down with patience, and what the rungs mean.
#include "pipelines/media/overload_ladder.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <vector>

namespace parley::media {
namespace {

struct Thread {
  explicit Thread(Duration tick_length = 20ms) : tick(tick_length), ladder(tick_length) {}

  // `share`: of the tick, given the rung. Returns the rungs passed through.
  std::vector<int> run(Duration duration, const std::function<double(int rung)>& share) {
    std::vector<int> rungs = {ladder.rung()};
    for (const TimePoint end = at + duration; at < end; at += tick) {
      const auto work =
          Duration(static_cast<std::int64_t>(static_cast<double>(tick.count()) * share(ladder.rung())));
      const int rung = ladder.step(at, work);
      if (rung != ladder.rung()) ADD_FAILURE() << "step() says " << rung << ", rung() " << ladder.rung();
      if (rung != rungs.back()) rungs.push_back(rung);
    }
    return rungs;
  }
  std::vector<int> run(Duration duration, double share) {
    return run(duration, [share](int) { return share; });
  }

  Duration tick;
  TimePoint at{1h};
  OverloadLadder ladder;
};

TEST(OverloadLadder, RestsBelowSeventyPercent) {
  Thread thread;
  thread.run(1min, 0.69);
  EXPECT_EQ(thread.ladder.rung(), 0);
  EXPECT_EQ(thread.ladder.changes(), 0U);
}

TEST(OverloadLadder, ActsWithinASecondAndClimbsRungByRungToTheTop) {
  for (const Duration tick : {10ms, 20ms}) {
    Thread thread(tick);
    thread.run(10s, 0.3);
    thread.run(400ms, 0.9);
    EXPECT_EQ(thread.ladder.rung(), 1);
    EXPECT_EQ(thread.run(4s, 1.5), (std::vector<int>{1, 2, 3, 4, 5, 6}));
    EXPECT_EQ(thread.ladder.rung(), OverloadLadder::kTop);
    EXPECT_EQ(thread.ladder.changes(), 6U);
  }
}

TEST(OverloadLadder, ClimbsNoHigherThanHelps) {
  Thread thread;
  thread.run(10s, [](int rung) { return rung < 2 ? 0.9 : 0.6; });
  EXPECT_EQ(thread.ladder.rung(), 2);
}

TEST(OverloadLadder, OneSlowTickIsNoOverload) {
  Thread thread;
  int tick = 0;
  thread.run(1min, [&](int) { return ++tick % 50 == 0 ? 3.0 : 0.3; });
  EXPECT_EQ(thread.ladder.changes(), 0U);
}

// Talkers wait for whom there is no time: the work itself is kept below the limit, and yet this is overload.
TEST(OverloadLadder, TalkersThatMustWaitAreOverload) {
  OverloadLadder ladder(20ms);
  TimePoint at{1h};
  int ticks = 0;
  for (; ladder.rung() == 0 && ticks < 100; ++ticks, at += 20ms) ladder.step(at, 8ms, true);
  EXPECT_LE(ticks, 15);
  for (int i = 0; i < 50; ++i, at += 20ms) ladder.step(at, 8ms, false);
  EXPECT_EQ(ladder.rung(), 1);
}

TEST(OverloadLadder, ComesDownAfterFiveSecondsOfCalmARungAtATime) {
  Thread thread;
  thread.run(1s, 1.5);
  thread.run(300ms, 0.3);  // the mean forgets
  const int rung = thread.ladder.rung();
  ASSERT_GE(rung, 2);
  thread.run(4'500ms, 0.3);
  EXPECT_EQ(thread.ladder.rung(), rung);
  thread.run(1'500ms, 0.3);
  EXPECT_EQ(thread.ladder.rung(), rung - 1);
  thread.run(3'500ms, 0.3);
  EXPECT_EQ(thread.ladder.rung(), rung - 1);
  thread.run(1min, 0.3);
  EXPECT_EQ(thread.ladder.rung(), 0);
}

TEST(OverloadLadder, BetweenCalmAndOverloadItStays) {
  Thread thread;
  thread.run(500ms, 1.2);
  thread.run(400ms, 0.6);
  const int rung = thread.ladder.rung();
  ASSERT_GE(rung, 1);
  thread.run(1min, 0.6);
  EXPECT_EQ(thread.ladder.rung(), rung);
  // Calm that breaks off before its five seconds counts for nothing.
  for (int i = 0; i < 20; ++i) {
    thread.run(4s, 0.3);
    thread.run(1s, 0.6);
  }
  EXPECT_EQ(thread.ladder.rung(), rung);
}

TEST(OverloadLadder, StepsDownThatBringTheOverloadBackComeLessAndLessOften) {
  Thread thread;
  const auto load = [](int rung) { return rung == 0 ? 0.9 : 0.4; };
  thread.run(1min, load);
  const std::uint64_t first = thread.ladder.changes();
  thread.run(9min, load);
  const std::uint64_t later = thread.ladder.changes() - first;
  EXPECT_LE(first, 9U);
  EXPECT_LE(later, 18U);  // every 5 s would be 200
  EXPECT_GE(later, 8U);   // and it does try again
}

TEST(OverloadLadder, RungsMean) {
  struct Row {
    int rung;
    int complexity9, complexity3;
    int talkers8, talkers0, talkers2, talkers1;
    bool single_tier, refuse;
  };
  const Row rows[] = {
      {0, 9, 3, 8, 0, 2, 1, false, false}, {1, 5, 3, 8, 0, 2, 1, false, false},
      {2, 2, 2, 8, 0, 2, 1, false, false}, {3, 2, 2, 4, 32, 1, 1, false, false},
      {4, 2, 2, 3, 3, 1, 1, false, false}, {5, 2, 2, 3, 3, 1, 1, true, false},
      {6, 2, 2, 3, 3, 1, 1, true, true},
  };
  Thread thread;
  for (const Row& row : rows) {
    while (thread.ladder.rung() < row.rung) thread.run(20ms, 2.0);
    ASSERT_EQ(thread.ladder.rung(), row.rung);
    EXPECT_EQ(thread.ladder.complexity(9), row.complexity9) << row.rung;
    EXPECT_EQ(thread.ladder.complexity(3), row.complexity3) << row.rung;
    EXPECT_EQ(thread.ladder.max_talkers(8), row.talkers8) << row.rung;
    EXPECT_EQ(thread.ladder.max_talkers(0), row.talkers0) << row.rung;
    EXPECT_EQ(thread.ladder.max_talkers(2), row.talkers2) << row.rung;
    EXPECT_EQ(thread.ladder.max_talkers(1), row.talkers1) << row.rung;
    EXPECT_EQ(thread.ladder.single_tier(), row.single_tier) << row.rung;
    EXPECT_EQ(thread.ladder.refuse_joins(), row.refuse) << row.rung;
  }
}

TEST(OverloadLadder, RubbishTimesAreHarmless) {
  OverloadLadder ladder(20ms);
  TimePoint at{1h};
  ladder.step(at, -5s);
  ladder.step(at, Duration::max());
  ladder.step(at - 10min, 0ns);
  EXPECT_GE(ladder.rung(), 0);
  EXPECT_LE(ladder.rung(), OverloadLadder::kTop);
}

}  // namespace
}  // namespace parley::media
