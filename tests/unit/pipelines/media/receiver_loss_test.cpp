// Loss, lateness and reordering as tables: the letters say what every tick is made of (see
// receiver_script.hpp).
#include <gtest/gtest.h>

#include <algorithm>
#include <ostream>

#include "tests/support/audio_metrics.hpp"
#include "tests/support/speech.hpp"
#include "tests/unit/pipelines/media/receiver_script.hpp"

namespace parley::test {
namespace {

using media::PulledKind;

const std::vector<TimedPacket>& voice() {
  static const auto packets = opus_packets(speech(30, 4, {.pause_seconds = 0}), {.expected_loss = 10});
  return packets;
}

struct Row {
  const char* name;
  std::vector<Arrives> arrivals;
  const char* kinds;
  std::uint64_t lost;
  std::uint64_t late;
  std::uint64_t duplicates;
  friend void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }
};

class Table : public testing::TestWithParam<Row> {};

TEST_P(Table, GivesTheseTicks) {
  const Row& row = GetParam();
  const std::string expected = row.kinds;
  const auto result = play(voice(), row.arrivals, 7, 7 + 20.0 * static_cast<double>(expected.size() - 1));
  EXPECT_EQ(result.kinds, expected);
  EXPECT_EQ(result.stats.lost, row.lost);
  EXPECT_EQ(result.stats.late, row.late);
  EXPECT_EQ(result.stats.duplicates, row.duplicates);
  EXPECT_EQ(result.stats.resets, 0U);
}

std::vector<Arrives> operator+(std::vector<Arrives> a, const std::vector<Arrives>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

INSTANTIATE_TEST_SUITE_P(
    Receiver, Table,
    testing::Values(
        Row{"all_in_time", in_time(0, 9), "dddddddddd", 0, 0, 0}, Row{"nothing", {}, ".....", 0, 0, 0},
        Row{"begins_with_the_first_packet", in_time(0, 3, 50), "...dddd", 0, 0, 0},
        Row{"one_lost_and_nothing_behind_it_yet", without(in_time(0, 9), {4}), "ddddcddddd", 1, 0, 0},
        Row{"two_lost", without(in_time(0, 9), {4, 5}), "ddddccdddd", 2, 0, 0},
        Row{"duplicates", in_time(0, 5) + in_time(2, 4, 1), "dddddd", 0, 0, 3},
        Row{"duplicate_of_a_played_packet", in_time(0, 5) + std::vector<Arrives>{{1, 95}}, "dddddd", 0, 0, 1},
        // Packet 4 comes 3 ms too late for its tick. Early in a call every lateness counts: it is played, and
        // the delay grows by a tick.
        Row{"a_little_late", delayed(in_time(0, 9), {{4, 90}}), "ddddcddddd", 0, 0, 0},
        // A stall of 100 ms: five packets at once. All are heard, later; concealment fades meanwhile.
        Row{"stall", delayed(in_time(0, 9), {{4, 180}, {5, 180}, {6, 180}, {7, 180}, {8, 180}}),
            "ddddcccc.dddd", 0, 0, 0},
        // The sender stops: concealment fades out within 80 ms, then silence.
        Row{"stops", in_time(0, 3), "ddddcccc....", 0, 0, 0}),
    [](const auto& instance) { return std::string(instance.param.name); });

TEST(ReceiverLoss, HoleAndPacketsAreMarkedForForwarding) {
  const auto result = play(voice(), without(in_time(0, 9), {4}), 7, 187);
  EXPECT_EQ(result.holes, "pppphppppp");
}

// With the next packet at hand in time, FEC fills the hole: here a delay of 25 ms is asked for.
TEST(ReceiverLoss, FecOfTheNextPacketFillsTheHole) {
  const auto result = play(voice(), without(in_time(0, 19), {6, 12}), 7, 387, {.min_delay = 25ms});
  EXPECT_EQ(result.kinds, ".ddddddfdddddfdddddd");
  EXPECT_EQ(result.holes, "-pppppphppppphpppppp");
  EXPECT_EQ(result.stats.lost, 2U);
  EXPECT_EQ(result.stats.fec, 2U);
}

TEST(ReceiverLoss, FecSoundsLikeTheLostPacket) {
  const auto ideal = decode_all(voice());
  RunConfig config{.network = {.seed = 3, .loss = 0.05}, .tail = 0ms};
  const auto run = run_receiver(voice(), config);
  std::size_t isolated = 0;
  std::size_t by_fec = 0;
  for (std::size_t t = 1; t + 1 < run.ticks.size(); ++t) {
    const auto bad = [&](std::size_t i) { return run.ticks[i].kind >= media::PulledKind::fec; };
    if (!bad(t) || bad(t - 1) || bad(t + 1)) continue;
    ++isolated;
    by_fec += run.ticks[t].kind == media::PulledKind::fec ? 1 : 0;
  }
  EXPECT_GE(isolated, 10U);
  EXPECT_GE(static_cast<double>(by_fec), 0.9 * static_cast<double>(isolated));

  const auto steady_ideal = std::span(ideal).subspan(96'000);
  const auto steady = std::span(run.audio).subspan(96'000);
  const auto delay = static_cast<std::size_t>(correlation_delay(steady_ideal, steady, 9'600).samples);
  std::vector<double> distance;
  for (std::size_t t = 105; t < run.ticks.size(); ++t) {
    const std::size_t at = t * 960 - 96'000;
    if (run.ticks[t].kind != media::PulledKind::fec || at + 1'024 > steady.size()) continue;
    for (const double d : lsd_frames(steady_ideal.subspan(at - delay, 1'024), steady.subspan(at, 1'024)))
      distance.push_back(d);
  }
  EXPECT_LE(quantile(distance, 0.5), 3.5);
}

TEST(ReceiverLoss, WaitsForFecOnlyWhilePacketsAreLost) {
  auto packets = voice();
  for (std::size_t i = 100; i < 300; i += 20) packets[i].packet.size = 0;  // marks: left out below
  std::vector<Arrives> arrivals;
  for (std::size_t i = 0; i < 900; ++i)
    if (packets[i].packet.size > 0) arrivals.push_back({i, 20.0 * static_cast<double>(i)});
  const auto result = play(packets, arrivals, 7, 900 * 20);
  EXPECT_GE(result.stats.fec, 8U);
  EXPECT_EQ(result.stats.lost, 10U);
  EXPECT_LT(result.stats.delay, 20ms);  // the extra packet of delay is given back
}

// Later a single lateness is not worth a tick of delay: what was made up in its place stands, the packet is
// left out.
TEST(ReceiverLoss, ASingleLatePacketCostsNoDelay) {
  const auto result = play(voice(), delayed(in_time(0, 399), {{300, 6'010}}), 7, 399 * 20);
  EXPECT_EQ(result.kinds.substr(295, 10), "dddddcdddd");
  EXPECT_EQ(result.stats.late, 1U);
  EXPECT_EQ(result.stats.lost, 1U);
  EXPECT_EQ(result.stats.delay, 7ms);
}

TEST(ReceiverLoss, ConcealmentIsNeverAReplay) {
  // 300 ms of packets come 500 ms late, after newer ones: none is played.
  auto arrivals = in_time(0, 399);
  for (std::size_t i = 230; i < 245; ++i) arrivals[i].at_ms += 500;
  const auto result = play(voice(), arrivals, 7, 399 * 20);
  EXPECT_EQ(result.stats.lost, 15U);
  EXPECT_EQ(result.stats.late, 15U);
  EXPECT_EQ(result.kinds.substr(228, 20), "ddcccc...........ddd");
  const auto ideal = decode_all(voice());
  const auto resumed = std::span(result.audio).subspan(246 * 960, 9'600);
  EXPECT_LT(error_db(std::span(ideal).subspan(246 * 960, 9'600), resumed), -6);
}

TEST(ReceiverLoss, NoClicksAtFivePercent) {
  for (const bool low_delay : {false, true}) {
    const auto packets =
        opus_packets(speech(12, 4, {.pause_seconds = 0}), {.low_delay = low_delay, .bitrate = 40'000});
    const auto ideal = decode_all(packets);
    for (const Duration conceal_for : {Duration(80ms), Duration(300ms)}) {
      const auto run = run_receiver(
          packets,
          {.receiver = {.conceal_for = conceal_for}, .network = {.seed = 9, .loss = 0.05}, .tail = 0ms});
      EXPECT_LT(jump_ratio(ideal, run.audio), 1.5)
          << (low_delay ? "CELT, " : "SILK, ") << to_ms(conceal_for) << " ms";
    }
  }
}

// Who has to bridge more than a codec can goes on with the last real sound, which is heard for half as long.
TEST(ReceiverLoss, ALongConcealmentIsHeardAndFades) {
  auto packets = opus_packets(tone(2, 500));
  for (const Duration conceal_for : {Duration(80ms), Duration(300ms)}) {
    const auto run = run_receiver(packets, {.receiver = {.conceal_for = conceal_for}, .tail = 500ms});
    std::size_t end = 0;
    for (std::size_t i = 0; i < run.ticks.size(); ++i)
      if (run.ticks[i].kind == PulledKind::decoded) end = (i + 1) * 960;
    const auto amplitude = [&](std::size_t ms) {
      return tone_amplitude(std::span(run.audio).subspan(end + ms * 48, 960), 500);
    };
    const bool is_long = conceal_for > 100ms;
    EXPECT_EQ(amplitude(120) > 0.15, is_long) << amplitude(120);
    EXPECT_LT(amplitude(320), 0.001);
  }
}

TEST(ReceiverLoss, FadesToComfortNoiseWhenAsked) {
  auto arrivals = without(in_time(0, 60), {});
  arrivals.resize(50);
  const auto quiet = play(voice(), arrivals, 7, 1'500);
  const auto noisy = play(voice(), arrivals, 7, 1'500, {.comfort_noise = true});
  EXPECT_LT(rms_dbfs(std::span(quiet.audio).last(4'800)), -150);
  const double level = rms_dbfs(std::span(noisy.audio).last(4'800));
  EXPECT_GT(level, -90);
  EXPECT_LT(level, -50);
}

}  // namespace
}  // namespace parley::test
