// A tick with too much to do: what there is no time for is left out, in turn, and told as a loss.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/pipeline/room_harness.hpp"
#include "tests/support/speech.hpp"

namespace parley::test {
namespace {

// A machine on which each class costs three milliseconds: the clock is read once for each.
TimePoint slow_clock() {
  static TimePoint time{1h};
  return time += 3ms;
}

TEST(RoomOverload, WhatTheTickCannotCodeIsLeftOutInTurn) {
  pipelines::RoomMediaConfig config;
  config.auto_level = pipelines::AutoLevel::off;
  config.work_clock = slow_clock;
  RoomHarness harness(config);
  const auto track = std::make_shared<Track>(speech(5, 1, {.pause_seconds = 0}), 20ms, Track::Options{});
  std::vector<LegId> talkers;
  for (int i = 0; i < 8; ++i) {
    Voice voice;
    voice.track = track;
    talkers.push_back(harness.add(voice));
  }
  const LegId listener = harness.add(Voice{});
  harness.add(Voice{});
  for (const LegId leg : talkers) harness.ear(leg).wants_decode = false;
  harness.ear(listener).wants_decode = false;
  harness.run(4s);

  const auto stats = harness.room().stats();
  EXPECT_GT(stats.shed, 20U);
  EXPECT_GT(harness.room().overload_rung(), 0);
  std::size_t holes = 0;
  for (const LegId leg : talkers) {
    std::size_t without = 0;
    std::size_t longest = 0;
    const auto& ticks = harness.ear(leg).ticks;
    // From the second tick with sound on.
    const auto begin =
        std::find_if(ticks.begin(), ticks.end(), [](const auto& tick) { return tick.size > 2; });
    for (auto tick = begin; tick != ticks.end(); ++tick) {
      without = tick->size == 0 ? without + 1 : 0;
      longest = std::max(longest, without);
      holes += tick->holes;
    }
    EXPECT_LE(longest, 6U) << "of leg " << raw(leg);
  }
  EXPECT_GT(holes, 20U);
  // Those who share a class come first.
  for (const HeardTick& tick : harness.ear(listener).ticks) EXPECT_EQ(tick.holes, 0U);
}

// The tick never overflows, though there are more talkers than it could take.
TEST(RoomOverload, ACrowdIsLetInAsFarAsTheTickReaches) {
  pipelines::RoomMediaConfig config;
  config.auto_level = pipelines::AutoLevel::off;
  config.max_talkers = 0;
  config.work_clock = [] {
    static TimePoint time{1h};
    return time += 100us;
  };
  RoomHarness harness(config);
  const auto track = std::make_shared<Track>(speech(5, 1, {.pause_seconds = 0}), 20ms, Track::Options{});
  for (int i = 0; i < 150; ++i) {
    Voice voice;
    voice.track = track;
    harness.ear(harness.add(voice)).wants_decode = false;
  }
  std::size_t most = 0;
  harness.after_tick = [&] { most = std::max(most, harness.room().stats().talkers); };
  harness.run(4s);
  EXPECT_GT(most, 60U);
  EXPECT_LT(most, 140U);
  EXPECT_LT(harness.room().stats().mix_work.quantile_ms(1), 18);
}

}  // namespace
}  // namespace parley::test
