// The receiver's parts alone: time line, delay manager, packet store, stretcher, G.711.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "pipelines/media/delay_manager.hpp"
#include "pipelines/media/frame_decoder.hpp"
#include "pipelines/media/packet_store.hpp"
#include "pipelines/media/pcm_fifo.hpp"
#include "pipelines/media/rtp_timeline.hpp"
#include "pipelines/media/time_stretcher.hpp"
#include "pipelines/media/waveform.hpp"
#include "tests/support/audio_metrics.hpp"
#include "tests/support/opus_source.hpp"
#include "tests/support/speech.hpp"
#include "tests/unit/pipelines/media/receiver_script.hpp"

namespace parley::test {
namespace {

using namespace parley::media;

MediaPacket packet(std::uint16_t sequence, std::uint32_t timestamp, Duration at, std::uint32_t ssrc = 1) {
  MediaPacket p;
  p.ssrc = ssrc;
  p.sequence = sequence;
  p.timestamp = timestamp;
  p.arrival = kEpoch + at;
  p.size = 0;
  return p;
}

TEST(RtpTimeline, Table) {
  struct Row {
    const char* name;
    MediaPacket next;  // after 65534 at 0xfffffc40 (arrival 0 ms), 65535 at 0 (arrival 20 ms)
    RtpTimeline::Verdict verdict;
    std::int64_t sequence_step;  // from the second packet
    std::int64_t timestamp_step;
  };
  using enum RtpTimeline::Verdict;
  const Row rows[] = {
      {"next, both wrapped", packet(0, 960, 40ms), follows, 1, 960},
      {"next but one", packet(1, 1'920, 60ms), follows, 2, 1'920},
      {"reordered", packet(65'533, 0xffff'f880, 25ms), follows, -2, -1'920},
      {"pause of 3 s", packet(0, 144'960, 3'040ms), follows, 1, 144'960},
      {"pause of 60 s", packet(0, 2'880'960, 60'040ms), follows, 1, 2'880'960},
      {"timestamp stands still in a pause", packet(0, 960, 30'040ms), follows, 1, 960},
      {"timestamp ahead of the clock", packet(0, 480'000, 40ms), rejoined, 1, 960},
      {"timestamp back", packet(0, 0xfff0'0000, 40ms), rejoined, 1, 960},
      {"timestamp repeated", packet(0, 0, 40ms), rejoined, 1, 960},
      {"timestamps too close", packet(0, 320, 40ms), rejoined, 1, 960},
      {"another ssrc", packet(4'711, 999'999, 40ms, 2), restarted, 1'000, 960},
      {"alone and far", packet(9'000, 500'000'000, 40ms), stray, 0, 0},
  };
  for (const Row& row : rows) {
    RtpTimeline timeline(48'000);
    const auto first = timeline.place(packet(65'534, 0xffff'fc40, 0ms), 960, std::nullopt);
    const Duration base = kEpoch.time_since_epoch() - timeline.media_time(first.timestamp);
    const auto second = timeline.place(packet(65'535, 0, 20ms), 960, base);
    EXPECT_EQ(second.timestamp - first.timestamp, 960);
    const auto placed = timeline.place(row.next, 960, base);
    EXPECT_EQ(placed.verdict, row.verdict) << row.name;
    if (row.verdict == stray) continue;
    EXPECT_EQ(placed.sequence - second.sequence, row.sequence_step) << row.name;
    EXPECT_EQ(placed.timestamp - second.timestamp, row.timestamp_step) << row.name;
  }
}

TEST(RtpTimeline, TwoInARowFromElsewhereAreANewStream) {
  RtpTimeline timeline(48'000);
  timeline.place(packet(1, 0, 0ms), 960, std::nullopt);
  const Duration base = kEpoch.time_since_epoch();
  EXPECT_EQ(timeline.place(packet(30'000, 5'000'000, 20ms), 960, base).verdict, RtpTimeline::Verdict::stray);
  EXPECT_EQ(timeline.place(packet(30'001, 5'000'960, 40ms), 960, base).verdict,
            RtpTimeline::Verdict::restarted);
  EXPECT_EQ(timeline.place(packet(30'002, 5'001'920, 60ms), 960, base).verdict,
            RtpTimeline::Verdict::follows);
}

TEST(RtpTimeline, NeverOverflowsInYearsOfVirtualTime) {
  RtpTimeline timeline(48'000);
  std::uint32_t timestamp = 0;
  std::int64_t hours = 0;
  std::optional<Duration> base;
  RtpTimeline::Placed placed;
  for (std::uint16_t sequence = 0; sequence < 20'000; ++sequence, hours += 1, timestamp += 3'600U * 48'000U) {
    placed = timeline.place(packet(sequence, timestamp, std::chrono::hours(hours)), 960, base);
    if (!base) base = kEpoch.time_since_epoch();
    ASSERT_EQ(timeline.media_time(placed.timestamp), std::chrono::hours(hours));
  }
}

struct Feed {
  DelayManager delays{0ms, 200ms};
  Duration media{};
  void packets(int count, const std::function<Duration(int)>& late, Duration step = 20ms) {
    for (int i = 0; i < count; ++i, media += step) delays.on_packet(kEpoch + media + late(i), media);
  }
  Duration target() const { return delays.target(kEpoch + media); }
};

TEST(DelayManager, CleanNetworkAsksForNothing) {
  Feed feed;
  feed.packets(500, [](int) { return 10ms; });
  EXPECT_EQ(feed.target(), 0ms);
  EXPECT_EQ(feed.delays.base(), kEpoch.time_since_epoch() + 10ms);
}

TEST(DelayManager, UniformJitterAsksForNearlyAllOfIt) {
  Feed feed;
  Random random(1);
  feed.packets(1'000, [&](int) { return ms(30 * random.uniform()); });
  EXPECT_GT(feed.target(), 28ms);
  EXPECT_LE(feed.target(), 30ms);
}

TEST(DelayManager, OneBurstIsForgottenSoonTwoAreRemembered) {
  Feed feed;
  feed.packets(500, [](int) { return 0ms; });
  feed.packets(1, [](int) { return 120ms; });
  EXPECT_EQ(feed.target(), 120ms);
  feed.packets(90, [](int) { return 0ms; });
  EXPECT_EQ(feed.target(), 0ms);
  feed.packets(1, [](int) { return 120ms; });
  feed.packets(90, [](int) { return 0ms; });
  EXPECT_EQ(feed.target(), 120ms);
  feed.packets(650, [](int) { return 0ms; });
  EXPECT_EQ(feed.target(), 0ms);
}

TEST(DelayManager, BoundsHold) {
  DelayManager delays(40ms, 60ms);
  delays.on_packet(kEpoch, 0ms);
  EXPECT_EQ(delays.target(kEpoch), 40ms);
  delays.on_packet(kEpoch + 320ms, 20ms);
  EXPECT_EQ(delays.target(kEpoch + 320ms), 60ms);
}

TEST(DelayManager, RouteChangeLeavesNoDelay) {
  Feed feed;
  feed.packets(500, [](int) { return 0ms; });
  feed.packets(150, [](int) { return 80ms; });
  EXPECT_EQ(feed.target(), 0ms);
  EXPECT_EQ(feed.delays.base(), kEpoch.time_since_epoch() + 80ms);
}

TEST(DelayManager, LongPauseDoesNotLookLikeJitter) {
  Feed feed;
  feed.packets(100, [](int) { return 0ms; });
  feed.media += 3'600s;
  feed.packets(1, [](int) { return 900ms; });  // the clocks have drifted apart meanwhile
  EXPECT_EQ(feed.target(), 0ms);
}

TEST(DelayManager, MeasuresDrift) {
  for (const double ppm : {-300.0, 50.0, 200.0}) {
    Feed feed;
    Random random(2);
    feed.packets(3'000, [&](int i) { return ms(20 - 20e-6 * ppm * i + 5 * random.uniform()); });
    EXPECT_NEAR(feed.delays.drift_ppm(), ppm, 10);
  }
}

TEST(PacketStore, KeepsOrderPayloadAndBounds) {
  PacketStore store;
  Random random(1);
  const auto payload = [](std::int64_t sequence) {
    std::vector<std::uint8_t> bytes(static_cast<std::size_t>(sequence * 37 % 600));
    for (std::size_t i = 0; i < bytes.size(); ++i)
      bytes[i] = static_cast<std::uint8_t>(sequence + static_cast<std::int64_t>(i));
    return bytes;
  };
  for (const std::int64_t sequence : {105, 101, 103, 100}) {
    StoredPacket about;
    about.sequence = sequence;
    EXPECT_EQ(store.insert(about, payload(sequence)), PacketStore::Inserted::stored);
    EXPECT_EQ(store.insert(about, payload(sequence)), PacketStore::Inserted::duplicate);
  }
  EXPECT_EQ(store.first_from(102)->sequence, 103);
  EXPECT_EQ(store.find(102), nullptr);
  EXPECT_EQ(store.first_from(106), nullptr);
  MediaPacket copy;
  for (const std::int64_t sequence : {100, 101, 103, 105}) {
    store.copy_payload(*store.find(sequence), copy);
    const auto expected = payload(sequence);
    EXPECT_TRUE(std::equal(expected.begin(), expected.end(), copy.data().begin(), copy.data().end()));
  }
  store.erase_below(103);
  EXPECT_EQ(store.lowest(), 103);
  store.clear();

  // However much comes, memory stays bounded, and nothing leaks from the pool of blocks.
  const std::vector<std::uint8_t> big(MediaPacket::kMaxPayload);
  for (int round = 0; round < 50; ++round) {
    StoredPacket about;
    std::size_t stored = 0;
    for (about.sequence = 0; about.sequence < PacketStore::kSlots; ++about.sequence)
      if (store.insert(about, big) == PacketStore::Inserted::stored) ++stored;
    EXPECT_EQ(stored, PacketStore::kMaxBlocks / 24);
    store.clear();
  }
  EXPECT_LE(store.memory(), 40U * 1'024);
  store.release();
  EXPECT_EQ(store.memory(), 0U);
}

TEST(Waveform, FindsAPeriod) {
  const auto sound = tone(0.2, 150);
  EXPECT_NEAR(std::remainder(
                  static_cast<double>(best_lag(sound, 2'000, 120, 720, 480, Direction::backward).lag), 320),
              0, 1);
  EXPECT_NEAR(
      std::remainder(static_cast<double>(best_lag(sound, 2'000, 120, 720, 480, Direction::forward).lag), 320),
      0, 1);
}

TEST(Waveform, ExtrapolationGoesOnWithoutAnEdge) {
  const auto sound = tone(0.3, 150);
  std::vector<float> joined(sound.begin(), sound.begin() + 4'800);
  joined.resize(6'000);
  extrapolate(std::span(joined).first(4'800), 48'000, 0, std::span(joined).last(1'200));
  EXPECT_LT(jump_ratio(sound, joined), 2);
  EXPECT_LT(error_db(std::span(sound).subspan(4'800, 480), std::span(joined).subspan(4'800, 480)), -15);
}

TEST(TimeStretcher, TakesPitchPeriodsOutAndPutsThemIn) {
  const auto sound = tone(0.5, 150);
  for (const bool shorter : {true, false}) {
    PcmFifo pcm(1'200);
    const auto waiting = pcm.extend(6'000);
    std::copy_n(sound.begin(), 6'000, waiting.begin());
    std::vector<float> out(960);
    std::vector<float> heard;
    TimeStretcher stretcher(48'000);
    std::size_t changed = 0;
    for (int i = 0; i < 4; ++i) {
      if (i >= 2)
        changed +=
            shorter ? stretcher.shorten(pcm, 720, false, 0.7F) : stretcher.lengthen(pcm, 720, false, 0.7F);
      pcm.pop(out);
      heard.insert(heard.end(), out.begin(), out.end());
    }
    EXPECT_GT(changed, 500U);
    EXPECT_LT(jump_ratio(sound, heard), 1.5);
    const auto phase = tone_phase(heard, 150, 320);
    EXPECT_NEAR(std::remainder(phase.back() - phase.front(), 320), 0, 8);
  }
}

TEST(TimeStretcher, RefusesWhatIsNotAlike) {
  Random random(1);
  PcmFifo pcm(1'200);
  for (float& s : pcm.extend(4'000)) s = static_cast<float>(random.normal() * 0.1);
  EXPECT_EQ(TimeStretcher(48'000).shorten(pcm, 720, false, 0.7F), 0U);
  EXPECT_EQ(TimeStretcher(48'000).shorten(pcm, 700, true, 0.7F), 700U);
  EXPECT_EQ(pcm.size(), 3'300U);
}

TEST(G711, DecodesBothLawsAsTheTablesSay) {
  // ITU-T G.711 tables 1 and 2, in 16-bit scale.
  struct Row {
    Codec codec;
    std::uint8_t code;
    int value;
  };
  for (const Row& row :
       {Row{Codec::pcmu, 0x00, -32'124}, Row{Codec::pcmu, 0x80, 32'124}, Row{Codec::pcmu, 0xff, 0},
        Row{Codec::pcmu, 0x7f, 0}, Row{Codec::pcmu, 0xe5, 292}, Row{Codec::pcma, 0xd5, 8},
        Row{Codec::pcma, 0x55, -8}, Row{Codec::pcma, 0xaa, 32'256}, Row{Codec::pcma, 0x2a, -32'256},
        Row{Codec::pcma, 0x80, 5'504}}) {
    std::array<float, 1> out{};
    const auto decoder = make_g711_decoder(row.codec);
    EXPECT_EQ(decoder->decode(Bytes(&row.code, 1), out), 1);
    EXPECT_EQ(out[0] * 32'768, static_cast<float>(row.value)) << int{row.code};
  }
}

class G711Receiver : public testing::TestWithParam<Codec> {};

TEST_P(G711Receiver, PlaysAndConceals) {
  const auto samples = speech(10, 4, {.pause_seconds = 0});
  const auto packets = g711_packets(samples, GetParam());
  const RunConfig config{.receiver = {.codec = GetParam()}, .tail = 0ms};
  const auto clean = run_receiver(packets, config);
  EXPECT_EQ(clean.audio.size(), clean.ticks.size() * 160);
  EXPECT_EQ(clean.stats.concealed_samples, 0U);
  EXPECT_EQ(std::count_if(clean.ticks.begin(), clean.ticks.end(), [](const auto& t) { return t.packet; }), 0);
  EXPECT_NEAR(rms_dbfs(clean.audio), rms_dbfs(samples), 1);

  auto lossy_config = config;
  lossy_config.network = {.seed = 8, .loss = 0.05};
  const auto lossy = run_receiver(packets, lossy_config);
  EXPECT_GT(lossy.count(PulledKind::concealed), 10U);
  EXPECT_LT(error_db(clean.audio, lossy.audio), -8);
  EXPECT_LT(jump_ratio(clean.audio, lossy.audio), 1.5);

  auto jitter_config = config;
  jitter_config.network = {.uniform_jitter = 30ms};
  EXPECT_LT(run_receiver(packets, jitter_config).share(PulledKind::concealed), 0.01);
}

INSTANTIATE_TEST_SUITE_P(Laws, G711Receiver, testing::Values(Codec::pcmu, Codec::pcma),
                         [](const auto& law) { return law.param == Codec::pcmu ? "pcmu" : "pcma"; });

}  // namespace
}  // namespace parley::test
