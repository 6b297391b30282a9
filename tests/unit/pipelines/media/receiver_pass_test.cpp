// Ticks that pass undecoded: the same packets, holes and pauses as when they are decoded, and a sound that
// comes back as if it had never been away. And the look at a leg that nobody hears.
#include <gtest/gtest.h>

#include <algorithm>

#include "pipelines/media/frame_decoder.hpp"
#include "tests/support/audio_metrics.hpp"
#include "tests/support/speech.hpp"
#include "tests/unit/pipelines/media/receiver_script.hpp"

namespace parley::test {
namespace {

constexpr std::size_t kTick = 960;
constexpr std::size_t kRecalled = 6 * kTick;

// Two receivers get the same packets. One is pulled at each tick; the other passes what it can, and is pulled
// for the rest; every `recall_every` ticks its sound is asked for.
struct Pair {
  explicit Pair(std::span<const TimedPacket> sent, ImpairmentConfig network = {}, int every = 1'000'000)
      : packets(sent), link(network), recall_every(every) {}

  void run() {
    std::size_t sending = 0;
    std::vector<float> ideal(kTick);
    std::vector<float> out(kTick);
    std::vector<float> recalled(kRecalled);
    for (TimePoint at = kEpoch + 7ms; at < kEpoch + packets.back().sent; at += 20ms) {
      for (; sending < packets.size() && kEpoch + packets[sending].sent <= at; ++sending)
        link.send(packets[sending].packet, kEpoch + packets[sending].sent);
      while (const auto packet = link.receive(at)) {
        decoded.insert(*packet);
        passed.insert(*packet);
      }
      const auto expected = decoded.pull(at, ideal);
      continuous.insert(continuous.end(), ideal.begin(), ideal.end());
      ++ticks;
      const auto pass = passed.pass(at);
      if (!pass) {
        passed.recall(recalled);
        passed.pull(at, out);
        ++pulls;
        continue;
      }
      const bool same = (pass->packet != nullptr) == (expected.packet != nullptr) &&
                        pass->hole == expected.hole &&
                        (pass->packet == nullptr || pass->packet->sequence == expected.packet->sequence);
      different += same ? 0 : 1;
      if (ticks % recall_every != 0 || pass->packet == nullptr) continue;
      EXPECT_EQ(passed.recall(recalled), std::min<std::size_t>(kRecalled, recall_every * kTick));
      const auto heard = std::span(continuous).last(kTick);
      const auto last = std::span(recalled).last(kTick);
      if (rms_dbfs(heard) < -45) continue;
      errors.push_back(error_db(heard, last));
      peaks.push_back(to_db(peak(last) / peak(heard)));
    }
  }

  std::span<const TimedPacket> packets;
  Link link;
  int recall_every;
  media::Receiver decoded{{}};
  media::Receiver passed{{}};
  std::vector<float> continuous;
  int ticks = 0;
  int pulls = 0;
  int different = 0;
  std::vector<double> errors;
  std::vector<double> peaks;
};

struct Mode {
  const char* name;
  OpusSourceConfig source;
  friend void PrintTo(const Mode& mode, std::ostream* out) { *out << mode.name; }
};

class ReceiverPass : public testing::TestWithParam<Mode> {};

TEST_P(ReceiverPass, IsThePacketThatWouldHaveBeenPlayed) {
  const auto packets = opus_packets(speech(20, 3), GetParam().source);
  Pair pair(packets);
  pair.run();
  EXPECT_EQ(pair.different, 0);
  EXPECT_LE(pair.pulls, 3);
  EXPECT_EQ(pair.passed.stats().delay, pair.decoded.stats().delay);
}

TEST_P(ReceiverPass, GoesOnThroughLossAndJitter) {
  const auto packets = opus_packets(speech(30, 3), GetParam().source);
  Pair pair(packets, {.seed = 5, .uniform_jitter = 15ms, .loss = 0.02});
  pair.run();
  // Where one of the two conceals or stretches their positions may differ for a moment.
  EXPECT_LT(pair.different, pair.ticks / 20);
  EXPECT_LT(pair.pulls, pair.ticks / 4);
  EXPECT_NEAR(static_cast<double>(pair.passed.stats().lost), static_cast<double>(pair.decoded.stats().lost),
              4);
}

TEST_P(ReceiverPass, IsRecalledAsItWouldHaveSounded) {
  const auto packets = opus_packets(speech(60, 3), GetParam().source);
  Pair pair(packets, {}, 25);
  pair.run();
  ASSERT_GE(pair.errors.size(), 30U);
  EXPECT_LE(quantile(pair.errors, 0.95), -10);
  EXPECT_LE(quantile(pair.peaks, 1), 3);
}

INSTANTIATE_TEST_SUITE_P(Receiver, ReceiverPass,
                         testing::Values(Mode{"silk", {.bitrate = 16'000}},
                                         Mode{"hybrid", {.bitrate = 32'000}},
                                         Mode{"celt", {.low_delay = true, .bitrate = 48'000}}),
                         [](const auto& instance) { return std::string(instance.param.name); });

TEST(ReceiverPassing, ThePauseAtTheEndIsRecalledAsSilence) {
  media::Receiver receiver({});
  const auto packets = opus_packets(speech(2, 3, {.pause_seconds = 0}));
  std::vector<float> out(kRecalled, 1.0F);
  TimePoint at = kEpoch;
  for (std::size_t i = 0; i < 60; ++i, at += 20ms) {
    MediaPacket packet = packets[i].packet;
    packet.arrival = at;
    // The talker's encoder falls silent: a packet of one byte, then nothing.
    if (i == 50) packet.size = 1;
    if (i <= 50) receiver.insert(packet);
    const auto pulled = receiver.pass(at + 5ms);
    if (!pulled) receiver.pull(at + 5ms, std::span(out).first(kTick));
  }
  std::fill(out.begin(), out.end(), 1.0F);
  EXPECT_GT(receiver.recall(out), 0U);
  EXPECT_LT(rms_dbfs(out), -100);
  EXPECT_FALSE(receiver.active());
}

TEST(ReceiverGlance, TellsTheLevelOfALegThatNobodyHears) {
  const auto eye = media::make_opus_decoder(media::Receiver::kEyeRate);
  for (const double level : {-20.0, -40.0}) {
    auto pcm = tone(3, 440);
    const double gain = std::pow(10.0, (level - rms_dbfs(pcm)) / 20);
    for (float& sample : pcm) sample *= static_cast<float>(gain);
    const auto packets = opus_packets(pcm);
    media::Receiver receiver({});
    EXPECT_FALSE(receiver.glance(*eye).has_value());
    std::optional<float> dbfs;
    for (std::size_t i = 0; i < 50; ++i) {
      MediaPacket packet = packets[i].packet;
      packet.arrival = kEpoch + i * 20ms;
      receiver.insert(packet);
      receiver.skip(packet.arrival + 5ms);
      dbfs = receiver.glance(*eye);
      EXPECT_EQ(dbfs.has_value(), i >= 2) << i;
    }
    ASSERT_TRUE(dbfs.has_value());
    EXPECT_NEAR(*dbfs, level, 2);
  }
}

}  // namespace
}  // namespace parley::test
