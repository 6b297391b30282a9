// Jitter, bursts and clocks that do not agree: how much delay the receiver takes, and how soon it gives it
// back.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "tests/support/audio_metrics.hpp"
#include "tests/support/speech.hpp"
#include "tests/unit/pipelines/media/receiver_script.hpp"

namespace parley::test {
namespace {

using media::PulledKind;

std::vector<double> waits(const RunResult& run, Duration after) {
  std::vector<double> out;
  for (const auto& t : run.ticks)
    if (t.at > kEpoch + after && t.kind != PulledKind::silence) out.push_back(to_ms(t.delay));
  return out;
}

TEST(ReceiverJitter, UniformThirtyMilliseconds) {
  std::vector<double> all;
  const auto packets = opus_packets(speech(30, 2));
  for (int i = 0; i < 5; ++i) {
    const auto run =
        run_receiver(packets, {.network = {.seed = static_cast<std::uint64_t>(i), .uniform_jitter = 30ms},
                               .phase = std::chrono::milliseconds(2 + 4 * i),
                               .tail = 0ms,
                               .keep_audio = false});
    EXPECT_LT(run.share(PulledKind::concealed), 0.01);
    const auto some = waits(run, 2s);
    all.insert(all.end(), some.begin(), some.end());
  }
  EXPECT_LE(quantile(all, 0.5), 28);
  EXPECT_LE(quantile(all, 0.95), 48);
}

TEST(ReceiverJitter, TargetFollowsTheNetworkBothWays) {
  const auto packets = opus_packets(speech(40, 2));
  media::Receiver receiver({});
  Random random(3);
  std::vector<float> out(960);
  std::vector<Arrives> arrivals;
  for (std::size_t i = 0; i < packets.size(); ++i) {
    const bool bad = i >= 500 && i < 1'000;
    arrivals.push_back({i, 20.0 * static_cast<double>(i) + (bad ? 60 : 1) * random.uniform()});
  }
  const auto early = play(packets, {arrivals.begin(), arrivals.begin() + 500}, 7, 500 * 20);
  EXPECT_LT(early.stats.target, 3ms);
  const auto middle = play(packets, {arrivals.begin(), arrivals.begin() + 1'000}, 7, 1'000 * 20);
  EXPECT_GT(middle.stats.target, 50ms);
  EXPECT_LT(middle.stats.target, 65ms);
  const auto end = play(packets, arrivals, 7, 40'000);
  EXPECT_LT(end.stats.target, 3ms);
  EXPECT_LT(end.stats.delay, 20ms);
}

TEST(ReceiverJitter, StallIsGivenBackWithinThreeSeconds) {
  // Speech without a pause, the hardest case, and with pauses.
  for (const double pause : {0.0, 0.4}) {
    const auto packets = opus_packets(speech(60, 5, {.pause_seconds = pause}));
    const auto run =
        run_receiver(packets, {.network = {.uniform_jitter = 2ms, .stall_every = 20s}, .keep_audio = false});
    for (TimePoint stall = kEpoch + 30s; stall < kEpoch + 60s; stall += 20s) {
      Duration before{};
      Duration during{};
      for (const auto& t : run.ticks) {
        if (t.kind == PulledKind::silence) continue;
        if (t.at > stall - 2s && t.at < stall) before = std::max(before, t.delay);
        if (t.at > stall && t.at < stall + 500ms) during = std::max(during, t.delay);
        if (t.at > stall + 320ms + 2s && t.at < stall + 8s) {
          EXPECT_LE(t.delay, before + 20ms) << to_ms(t.at - stall);
        }
      }
      EXPECT_GE(during, 100ms);  // it was not simply cut off
    }
    EXPECT_EQ(run.stats.resets, 0U);
  }
}

TEST(ReceiverJitter, DelayNeverPassesTheBound) {
  const auto packets = opus_packets(speech(60, 5));
  const auto run = run_receiver(
      packets, {.receiver = {.max_delay = 80ms},
                .network = {.exponential_jitter = 30ms, .stall_every = 5s, .stall_length = 500ms},
                .keep_audio = false});
  for (const auto& t : run.ticks) {
    EXPECT_LE(t.target, 80ms);
    EXPECT_LE(t.delay, 80ms + 60ms) << to_ms(t.at - kEpoch);
  }
}

TEST(ReceiverJitter, MinimumIsKept) {
  const auto packets = opus_packets(speech(10, 5));
  const auto run = run_receiver(packets, {.receiver = {.min_delay = 60ms}, .keep_audio = false});
  for (const double w : waits(run, 1s)) {
    EXPECT_GE(w, 60);
    EXPECT_LT(w, 80);
  }
}

// Packets that come within half a millisecond of the tick, now before, now after: the later tick is chosen
// once.
TEST(ReceiverJitter, ArrivalsAtTheTickDoNotFlap) {
  const auto packets = opus_packets(speech(60, 5));
  for (const std::uint64_t seed : {1U, 2U, 3U, 4U}) {
    const auto run =
        run_receiver(packets, {.network = {.seed = seed, .delay = 19'500us, .uniform_jitter = 1ms},
                               .phase = 20ms,
                               .tail = 0ms,
                               .keep_audio = false});
    std::size_t changes = 0;
    for (std::size_t i = 1; i < run.ticks.size(); ++i) {
      if (run.ticks[i].at < kEpoch + 1s) continue;
      const Duration step = run.ticks[i].delay - run.ticks[i - 1].delay;
      if (step > 10ms || step < -10ms) ++changes;
    }
    EXPECT_EQ(changes, 0U) << seed;
    EXPECT_LE(run.count(PulledKind::concealed), 2U);
    EXPECT_EQ(run.count(PulledKind::stretched), 0U);
    EXPECT_GT(run.ticks.back().delay, 18ms);
  }
}

TEST(ReceiverJitter, ReorderingWithinTheBoundIsNoLoss) {
  const auto packets = opus_packets(speech(30, 5));
  const auto run =
      run_receiver(packets, {.network = {.seed = 2, .reorder = 0.05, .reorder_by = 30ms}, .tail = 0ms});
  EXPECT_LT(run.stats.late, 12U);  // while it was learnt
  EXPECT_LT(run.share(PulledKind::concealed), 0.01);
}

TEST(ReceiverJitter, ChangeOfRouteIsFollowedWithoutLastingDelay) {
  const auto packets = opus_packets(speech(30, 5));
  std::vector<Arrives> arrivals;
  for (std::size_t i = 0; i < packets.size(); ++i) {
    const double way = i < 500 ? 20 : i < 1'000 ? 95 : 30;  // ms
    arrivals.push_back({i, 20.0 * static_cast<double>(i) + way});
  }
  const auto longer = play(packets, {arrivals.begin(), arrivals.begin() + 900}, 7, 900 * 20);
  EXPECT_LT(longer.stats.target, 5ms);
  EXPECT_LE(longer.stats.delay, 40ms);
  const auto shorter = play(packets, arrivals, 7, 1'500 * 20);
  EXPECT_LT(shorter.stats.target, 5ms);
  EXPECT_LE(shorter.stats.delay, 30ms);
}

class Drift : public testing::TestWithParam<double> {};

// Six minutes each (receiver-bench runs the hour): no click, no loss, the estimate right.
TEST_P(Drift, IsAbsorbed) {
  const double ppm = GetParam();
  const auto one = opus_packets(speech(60, 9));
  std::vector<TimedPacket> packets;
  for (int i = 0; i < 6; ++i) {
    for (auto packet : one) {
      packet.packet.sequence = static_cast<std::uint16_t>(packet.packet.sequence + i * 3'000);
      packet.packet.timestamp += static_cast<std::uint32_t>(i) * 60 * 48'000;
      packet.sent += i * 60s;
      packets.push_back(packet);
    }
  }
  const auto run = run_receiver(packets, {.network = {.uniform_jitter = 2ms}, .drift_ppm = ppm, .tail = 0ms});
  EXPECT_EQ(run.stats.concealed_samples, 0U);
  EXPECT_EQ(run.stats.late, 0U);
  EXPECT_NEAR(run.stats.drift_ppm, ppm, 15);
  const auto ideal = decode_all(one);
  EXPECT_LT(jump_ratio(ideal, run.audio), 1.5);
  for (const double w : waits(run, 2s)) EXPECT_LT(w, 30);
}

INSTANTIATE_TEST_SUITE_P(Ppm, Drift, testing::Values(-300.0, -200.0, 200.0, 300.0), [](const auto& ppm) {
  return (ppm.param < 0 ? "slow_by_" : "fast_by_") + std::to_string(static_cast<int>(std::abs(ppm.param)));
});

// Stretching as it is heard: a steady tone keeps its pitch and makes no click while the delay is given back.
TEST(ReceiverJitter, StretchingATonePreservesIt) {
  const auto packets = opus_packets(tone(20, 220), {.bitrate = 64'000});
  const auto run =
      run_receiver(packets, {.network = {.uniform_jitter = 2ms, .stall_every = 12s}, .tail = 0ms});
  EXPECT_GT(run.stats.stretched_samples, 4'800U);
  const auto ideal = decode_all(packets);
  const auto after = std::span(run.audio).subspan(48'000 * 7, 48'000 * 12);
  EXPECT_LT(jump_ratio(std::span(ideal).subspan(48'000), after), 2.0);
  EXPECT_NEAR(rms_dbfs(after), rms_dbfs(std::span(ideal).subspan(48'000)), 0.3);
}

}  // namespace
}  // namespace parley::test
