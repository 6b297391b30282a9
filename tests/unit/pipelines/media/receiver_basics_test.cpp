// A clean network: the receiver adds nothing but the wait for the tick, and plays what a plain decoder plays.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <ostream>

#include "tests/bench/impairment/receiver_run.hpp"
#include "tests/support/audio_metrics.hpp"
#include "tests/support/speech.hpp"

namespace parley::test {
namespace {

using media::PulledKind;

struct Clean {
  const char* name;
  int frame_us;
  int frames_per_packet;
  Duration tick;
  Duration phase;
  Duration delay;  // of the first sample of each packet: at most
  friend void PrintTo(const Clean& clean, std::ostream* out) { *out << clean.name; }
};

class CleanNetwork : public testing::TestWithParam<Clean> {};

TEST_P(CleanNetwork, AddsOnlyTheWaitForTheTick) {
  const Clean& p = GetParam();
  const auto packets =
      opus_packets(speech(6, 1), {.frame_us = p.frame_us, .frames_per_packet = p.frames_per_packet});
  const auto ideal = decode_all(packets);
  const auto run = run_receiver(packets, {.receiver = {.tick = p.tick}, .phase = p.phase, .tail = 0ms});
  EXPECT_EQ(run.stats.lost, 0U);
  EXPECT_EQ(run.stats.late, 0U);
  EXPECT_EQ(run.stats.resets, 0U);
  EXPECT_EQ(run.stats.concealed_samples, 0U);
  EXPECT_EQ(run.stats.stretched_samples, 0U);
  const auto delay = correlation_delay(ideal, run.audio, 14'400);
  EXPECT_GT(delay.score, 0.9999);
  // In the audio: packet time, the way, and the wait; the recording begins at the first tick.
  const Duration packet = std::chrono::microseconds(p.frame_us * p.frames_per_packet);
  const double waited = static_cast<double>(delay.samples) / 48 + to_ms(p.phase) - to_ms(packet) - 20;
  EXPECT_NEAR(waited, to_ms(p.delay), 0.05) << p.name;
}

INSTANTIATE_TEST_SUITE_P(
    Lengths, CleanNetwork,
    testing::Values(Clean{"20/20", 20'000, 1, 20ms, 7ms, 7ms},
                    Clean{"20/20 late phase", 20'000, 1, 20ms, 19ms, 19ms},
                    Clean{"20/10", 20'000, 1, 10ms, 7ms, 7ms}, Clean{"40/20", 20'000, 2, 20ms, 7ms, 7ms},
                    Clean{"60/20", 20'000, 3, 20ms, 7ms, 7ms}, Clean{"60/10", 60'000, 1, 10ms, 3ms, 3ms},
                    Clean{"120/20", 20'000, 6, 20ms, 7ms, 7ms},
                    Clean{"10/20", 10'000, 1, 20ms, 7ms, 17ms},  // the second packet of the tick waits 7 ms
                    Clean{"5/20", 5'000, 1, 20ms, 2ms, 17ms}, Clean{"2.5/20", 2'500, 1, 20ms, 1ms, 18'500us}),
    [](const auto& instance) {
      std::string name = instance.param.name;
      std::replace_if(
          name.begin(), name.end(), [](char c) { return std::isalnum(c) == 0; }, '_');
      return name;
    });

TEST(CleanNetworkForwarding, EveryTickIsOnePacket) {
  const auto packets = opus_packets(speech(3, 1));
  const auto run = run_receiver(packets, {.tail = 0ms});
  const auto forwardable =
      std::count_if(run.ticks.begin(), run.ticks.end(), [](const auto& t) { return t.packet; });
  EXPECT_GE(static_cast<std::size_t>(forwardable), packets.size() - 3);
}

}  // namespace
}  // namespace parley::test
