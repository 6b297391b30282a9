// Legs that nobody hears are not decoded, yet their first word is whole when they become talkers.
#include <gtest/gtest.h>

#include <algorithm>
#include <ostream>

#include "tests/support/audio_metrics.hpp"
#include "tests/support/speech.hpp"
#include "tests/unit/pipelines/media/receiver_script.hpp"

namespace parley::test {
namespace {

using media::PulledKind;

// Compares a receiver that skips until `onset` with one that never does, over the 60 ms from there.
struct Onset {
  double error_db;
  double peak_db;
};

std::vector<Onset> onsets(const OpusSourceConfig& source, int count) {
  std::vector<Onset> out;
  const auto packets = opus_packets(speech(32, 17, {.pause_seconds = 0.5}), source);
  const RunConfig config{.tail = 0ms};
  const auto continuous = run_receiver(packets, config);
  for (int i = 0; i < count; ++i) {
    const TimePoint onset = kEpoch + 1s + i * 600ms;
    auto paused_config = config;
    paused_config.skip = [&](TimePoint at) { return at < onset && at > onset - 500ms; };
    const auto paused = run_receiver(
        std::span(packets).first(static_cast<std::size_t>((1'200 + 600 * i) / 20)), paused_config);
    const auto first =
        std::find_if(paused.ticks.begin(), paused.ticks.end(), [&](const auto& t) { return t.at >= onset; });
    const auto at = static_cast<std::size_t>(first - paused.ticks.begin()) * 960;
    if (at + 2'880 > paused.audio.size()) break;
    const auto ideal = std::span(continuous.audio).subspan(at, 2'880);
    const auto heard = std::span(paused.audio).subspan(at, 2'880);
    if (rms_dbfs(ideal) < -45) continue;
    out.push_back({error_db(ideal, heard), to_db(peak(heard) / peak(ideal))});
  }
  return out;
}

struct Mode {
  const char* name;
  OpusSourceConfig source;
  friend void PrintTo(const Mode& mode, std::ostream* out) { *out << mode.name; }
};

class TalkerStart : public testing::TestWithParam<Mode> {};

TEST_P(TalkerStart, IsAsIfItHadNeverPaused) {
  const auto all = onsets(GetParam().source, 30);
  ASSERT_GE(all.size(), 20U);
  std::vector<double> errors;
  std::vector<double> peaks;
  for (const auto& o : all) {
    errors.push_back(o.error_db);
    peaks.push_back(o.peak_db);
  }
  EXPECT_LE(quantile(errors, 0.95), -10);
  EXPECT_LE(quantile(peaks, 1), 3);
  EXPECT_GE(quantile(peaks, 0), -3);
}

INSTANTIATE_TEST_SUITE_P(Receiver, TalkerStart,
                         testing::Values(Mode{"silk", {.bitrate = 16'000}},
                                         Mode{"hybrid", {.bitrate = 32'000}},
                                         Mode{"celt", {.low_delay = true, .bitrate = 48'000}}),
                         [](const auto& instance) { return std::string(instance.param.name); });

TEST(ReceiverSkip, OnsetAfterSilenceIsForwardable) {
  const auto packets = opus_packets(speech(6, 17, {.pause_seconds = 0}));
  RunConfig config{.tail = 0ms};
  config.skip = [](TimePoint at) { return at < kEpoch + 3s; };
  const auto run = run_receiver(packets, config);
  const auto first =
      std::find_if(run.ticks.begin(), run.ticks.end(), [](const auto& t) { return !t.skipped; });
  EXPECT_EQ(first->kind, PulledKind::decoded);
  EXPECT_TRUE(first->packet);
  EXPECT_EQ(first->delay, 7ms);
}

TEST(ReceiverSkip, KeepsTheScheduleThroughJitterAndLongPackets) {
  for (const int frames : {1, 3}) {
    const auto packets = opus_packets(speech(10, 17), {.frames_per_packet = frames});
    RunConfig config{.network = {.uniform_jitter = 10ms}, .tail = 0ms, .keep_audio = false};
    config.skip = [](TimePoint at) { return (at - kEpoch) % 1s < 500ms; };
    const auto run = run_receiver(packets, config);
    EXPECT_EQ(run.count(PulledKind::concealed), 0U);
    EXPECT_EQ(run.stats.lost, 0U);
    EXPECT_EQ(run.stats.late, 0U);
    for (const auto& t : run.ticks) {
      if (t.skipped || t.kind != PulledKind::decoded) continue;
      EXPECT_LT(t.delay, 40ms);
    }
  }
}

TEST(ReceiverSkip, LossIsCountedUnheard) {
  auto packets = opus_packets(speech(4, 17));
  packets.erase(packets.begin() + 50, packets.begin() + 53);
  RunConfig config{.keep_audio = false};
  config.skip = [](TimePoint) { return true; };
  const auto run = run_receiver(packets, config);
  EXPECT_EQ(run.stats.lost, 3U);
  EXPECT_EQ(run.stats.concealed_samples, 0U);
}

TEST(ReceiverSkip, IsSilentWhenNothingComes) {
  media::Receiver receiver({});
  for (int i = 0; i < 100; ++i) receiver.skip(kEpoch + i * 20ms);
  EXPECT_FALSE(receiver.active());
}

}  // namespace
}  // namespace parley::test
