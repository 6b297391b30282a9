// Silence that was meant (DTX) is not loss, and costs the next word nothing.
#include <gtest/gtest.h>

#include <algorithm>
#include <ostream>
#include <string>

#include "tests/support/audio_metrics.hpp"
#include "tests/support/speech.hpp"
#include "tests/unit/pipelines/media/receiver_script.hpp"

namespace parley::test {
namespace {

using media::PulledKind;

// Talk, a gap in which nothing is sent, talk: packets with continuous sequence numbers and a jump in time.
std::vector<TimedPacket> talk_gap_talk(Duration gap) {
  auto packets = opus_packets(speech(4, 4, {.pause_seconds = 0}), {.expected_loss = 10});
  for (std::size_t i = 100; i < packets.size(); ++i) {
    packets[i].sent += gap;
    packets[i].packet.timestamp += static_cast<std::uint32_t>(gap / 1ms * 48);
  }
  return packets;
}

struct Gap {
  Duration gap;
  bool first_lost;
  bool dtx_mark;  // the talk ends with a packet of one byte
  std::string name() const {
    return std::to_string(gap / 1ms) + "_ms" + (first_lost ? "_first_lost" : "") +
           (dtx_mark ? "" : "_without_mark");
  }
  friend void PrintTo(const Gap& gap, std::ostream* out) { *out << gap.name(); }
};

class DtxGap : public testing::TestWithParam<Gap> {};

TEST_P(DtxGap, DelaysNothing) {
  const Gap& p = GetParam();
  auto packets = talk_gap_talk(p.gap);
  if (p.dtx_mark) packets[99].packet.size = 1;
  if (p.first_lost) packets.erase(packets.begin() + 100);
  const auto run = run_receiver(packets, {.tail = 0ms});
  // The first packet after the gap that arrives plays in the tick after its arrival, as ever.
  const TimePoint resumed = kEpoch + packets[100].sent + 20ms;
  const auto after = std::find_if(run.ticks.begin(), run.ticks.end(), [&](const auto& t) {
    return t.at >= resumed && t.kind >= PulledKind::decoded;
  });
  ASSERT_NE(after, run.ticks.end());
  EXPECT_LT(after->at - resumed, 20ms);
  EXPECT_EQ(after->kind, PulledKind::decoded);
  EXPECT_EQ(run.ticks.back().delay, 7ms);
  EXPECT_EQ(run.stats.lost, p.first_lost ? 1U : 0U);
  EXPECT_EQ(run.stats.late, 0U);
  EXPECT_EQ(run.stats.resets, 0U);
  // With the mark nothing is concealed; without it the end of the talk fades out once.
  EXPECT_LE(run.count(PulledKind::concealed), p.dtx_mark ? 0U : 4U);
}

INSTANTIATE_TEST_SUITE_P(Receiver, DtxGap,
                         testing::Values(Gap{400ms, false, true}, Gap{400ms, true, true},
                                         Gap{3s, false, true}, Gap{3s, true, true}, Gap{60s, false, true},
                                         Gap{60s, true, true}, Gap{400ms, true, false}, Gap{3s, true, false},
                                         Gap{3s, false, false}),
                         [](const auto& instance) { return instance.param.name(); });

TEST(Dtx, EveryFormOfDtxPacketIsSilence) {
  for (const int size : {0, 1}) {
    auto packets = opus_packets(speech(2, 4, {.pause_seconds = 0}));
    for (std::size_t i = 50; i < 60; ++i) packets[i].packet.size = static_cast<std::uint16_t>(size);
    const auto result = play(packets, in_time(0, 98), 7, 98 * 20);
    EXPECT_EQ(result.kinds.substr(45, 20), "ddddd..........ddddd") << size;
    EXPECT_EQ(result.stats.concealed_samples, 0U);
    EXPECT_EQ(result.stats.decode_errors, 0U);
  }
}

// Ten changes between talk and silence with a real encoder's DTX, as a browser sends it and with every
// packet.
TEST(Dtx, RealPausesAreNeverConcealed) {
  for (const bool every : {false, true}) {
    const auto packets = opus_packets(speech(30, 6, {.pause_seconds = 2, .noise_dbfs = -130}),
                                      {.dtx = true, .sends_every_dtx = every});
    const auto run = run_receiver(packets, {.network = {.uniform_jitter = 5ms}, .tail = 0ms});
    EXPECT_LT(run.share(PulledKind::concealed), 0.01);
    EXPECT_EQ(run.stats.lost, 0U);
    EXPECT_GT(run.share(PulledKind::silence), 0.25);
    const auto ideal = decode_all(packets);
    EXPECT_LT(jump_ratio(ideal, run.audio), 1.1);
  }
}

TEST(Dtx, LostPacketsInAPauseAreSilenceToo) {
  const auto packets = opus_packets(speech(30, 6, {.pause_seconds = 2, .noise_dbfs = -130}), {.dtx = true});
  const auto run =
      run_receiver(packets, {.network = {.seed = 4, .uniform_jitter = 5ms, .loss = 0.05}, .tail = 0ms});
  std::size_t in_pause = 0;
  for (std::size_t t = 6; t < run.ticks.size(); ++t) {
    const auto all_silent = std::all_of(run.ticks.begin() + static_cast<std::ptrdiff_t>(t) - 5,
                                        run.ticks.begin() + static_cast<std::ptrdiff_t>(t),
                                        [](const auto& tick) { return tick.kind == PulledKind::silence; });
    if (all_silent && run.ticks[t].kind == PulledKind::concealed) ++in_pause;
  }
  EXPECT_EQ(in_pause, 0U);
}

// An onset that is lost comes back from the FEC of the packet after it, when the delay leaves time for it.
TEST(Dtx, LostOnsetIsRebuiltWhenThereIsTime) {
  auto packets = talk_gap_talk(1s);
  packets[99].packet.size = 1;
  packets.erase(packets.begin() + 100);
  const auto run = run_receiver(packets, {.receiver = {.min_delay = 25ms}, .tail = 0ms});
  EXPECT_EQ(run.stats.fec, 1U);
  EXPECT_EQ(run.count(PulledKind::concealed), 0U);
}

}  // namespace
}  // namespace parley::test
