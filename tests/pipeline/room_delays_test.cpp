// What a listener's client makes of the stream, and what waits where on the way to it.
#include <gtest/gtest.h>

#include "tests/pipeline/room_harness.hpp"
#include "tests/support/measure.hpp"
#include "tests/support/speech.hpp"

namespace parley::test {
namespace {

// A leg that must wait longer than the alarm allows is told of once in 10 s; the waits are in its histograms.
TEST(RoomDelays, AreCountedByTheirCausesAndAlarmed) {
  pipelines::RoomMediaConfig config;
  config.auto_level = pipelines::AutoLevel::off;
  config.alarm_delay = 50ms;
  config.jitter_min = 80ms;
  RoomHarness harness(config);
  Voice voice;
  voice.pcm = speech(10, 1, {.pause_seconds = 0});
  voice.phase = 13ms;
  const LegId talker = harness.add(voice);
  harness.add(Voice{});
  harness.run(25s);
  ASSERT_GE(harness.alarms.size(), 2U);
  EXPECT_LE(harness.alarms.size(), 3U);
  EXPECT_EQ(harness.alarms.front().first, talker);
  EXPECT_GE(harness.alarms.front().second, 80ms);
  const auto stats = harness.room().leg_stats(talker);
  ASSERT_TRUE(stats.has_value());
  EXPECT_NEAR(stats->jitter_wait.quantile_ms(0.5), 80.5, 1);
  EXPECT_NEAR(stats->tick_wait.quantile_ms(0.5), 13.5, 1);
  EXPECT_GT(harness.room().stats().alarms, 1'000U);
}

// A receiver like NetEQ conceals a tick without a packet, unless the last packet said that silence begins;
// and then, too, when it has heard nothing for longer than the refresh takes.
double concealed_share(const std::vector<HeardTick>& ticks) {
  constexpr std::size_t kSilence = 2;   // bytes
  constexpr std::size_t kRefresh = 22;  // ticks: 400 ms and two to spare
  bool begun = false;
  bool silent = false;
  std::size_t missing = 0;
  double concealed = 0;
  for (const HeardTick& tick : ticks) {
    if (tick.size > 0) {
      begun = true;
      silent = tick.size <= kSilence;
      missing = 0;
      continue;
    }
    ++missing;
    if (begun && (!silent || missing > kRefresh)) concealed += 1;
  }
  return concealed / static_cast<double>(ticks.size());
}

class Concealment : public testing::TestWithParam<bool> {};

TEST_P(Concealment, IsRareThroughTenChangesBetweenTalkAndSilence) {
  pipelines::RoomMediaConfig config;
  config.auto_level = pipelines::AutoLevel::off;
  config.forward = GetParam();
  RoomHarness harness(config);
  const auto talk = speech(3, 5, {.pause_seconds = 0.1, .noise_dbfs = -130});
  Voice voice;
  voice.pcm = talk;
  const LegId talker = harness.add(voice);
  const LegId listener = harness.add(Voice{});
  for (const LegId leg : {talker, listener}) harness.ear(leg).wants_decode = false;
  for (int i = 0; i < 10; ++i) {
    harness.say(talker, i % 2 == 0 ? talk : std::vector<float>(48'000));
    harness.run(3s);
  }
  const double concealed = concealed_share(harness.ear(listener).ticks);
  EXPECT_LT(concealed, 0.01);
  report(std::string("ten changes between talk and silence, ") + (GetParam() ? "verbatim" : "coded") +
             ", concealed by a receiver like NetEQ",
         100 * concealed, "%", Bound::at_most(1), {}, 2);
}

INSTANTIATE_TEST_SUITE_P(Room, Concealment, testing::Bool(),
                         [](const auto& tested) { return tested.param ? "verbatim" : "coded"; });

}  // namespace
}  // namespace parley::test
