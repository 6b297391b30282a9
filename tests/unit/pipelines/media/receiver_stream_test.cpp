// What senders do to their numbers: wraps, jumps, new streams; and what attackers send.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <ostream>

#include "tests/support/audio_metrics.hpp"
#include "tests/support/speech.hpp"
#include "tests/unit/pipelines/media/receiver_script.hpp"

namespace parley::test {
namespace {

using media::PulledKind;

const std::vector<TimedPacket>& voice() {
  static const auto packets = opus_packets(speech(8, 4, {.pause_seconds = 0}));
  return packets;
}

void from(std::vector<TimedPacket>& packets, std::size_t first,
          const std::function<void(MediaPacket&)>& change) {
  for (std::size_t i = first; i < packets.size(); ++i) change(packets[i].packet);
}

struct Jump {
  const char* name;
  std::function<void(MediaPacket&)> change;  // of packets 200 and on
  std::uint64_t resets;
  std::size_t disturbed;  // ticks that may be other than decoded
  friend void PrintTo(const Jump& jump, std::ostream* out) { *out << jump.name; }
};

class Jumps : public testing::TestWithParam<Jump> {};

TEST_P(Jumps, CostLittle) {
  const Jump& p = GetParam();
  auto packets = voice();
  from(packets, 200, p.change);
  const auto run = run_receiver(packets, {.network = {.uniform_jitter = 3ms}, .tail = 0ms});
  EXPECT_EQ(run.stats.resets, p.resets);
  EXPECT_GE(run.count(PulledKind::decoded) + p.disturbed + 2, run.ticks.size());
  // Afterwards the delay is what it was.
  EXPECT_LT(run.ticks.back().delay, 20ms);
  const auto ideal = decode_all(voice());
  const auto end = std::span(run.audio).last(96'000);
  const auto match = correlation_delay(std::span(ideal).subspan(ideal.size() - 95'000, 80'000), end, 9'600);
  EXPECT_GT(match.score, 0.95);
}

INSTANTIATE_TEST_SUITE_P(
    Receiver, Jumps,
    testing::Values(Jump{"none_but_wraps", [](MediaPacket&) {}, 0, 0},
                    Jump{"timestamp_far_forward", [](MediaPacket& m) { m.timestamp += 1'000'000'000; }, 1, 0},
                    Jump{"timestamp_far_back", [](MediaPacket& m) { m.timestamp -= 1'000'000'000; }, 1, 0},
                    Jump{"timestamp_half_a_second_back", [](MediaPacket& m) { m.timestamp -= 24'000; }, 1, 0},
                    Jump{"sequence_jump",
                         [](MediaPacket& m) {
                           m.sequence = static_cast<std::uint16_t>(m.sequence + 20'000);
                           m.timestamp += 77'777'777;
                         },
                         1, 3},
                    Jump{"sequence_back",
                         [](MediaPacket& m) {
                           m.sequence = static_cast<std::uint16_t>(m.sequence - 20'000);
                           m.timestamp -= 77'777'777;
                         },
                         1, 3},
                    Jump{"new_ssrc",
                         [](MediaPacket& m) {
                           m.ssrc = 99;
                           m.sequence = static_cast<std::uint16_t>(m.sequence * 7 + 3);
                           m.sequence = static_cast<std::uint16_t>(m.timestamp / 960);
                           m.timestamp += 123'456;
                         },
                         1, 2}),
    [](const auto& instance) { return std::string(instance.param.name); });

TEST(ReceiverStream, NewSsrcMakesNoClick) {
  auto packets = voice();
  const auto other = opus_packets(speech(4, 21, {.pitch_hz = 190, .pause_seconds = 0}), {.ssrc = 7});
  for (std::size_t i = 0; i < 150; ++i) {
    packets[200 + i].packet = other[i].packet;
    packets[200 + i].packet.sequence = static_cast<std::uint16_t>(i);
  }
  packets.resize(350);
  const auto run = run_receiver(packets, {.tail = 0ms});
  const auto first = decode_all(std::span(packets).first(200));
  const auto second = decode_all(std::span(packets).subspan(200));
  const double normal = std::max(largest_second_difference(first), largest_second_difference(second));
  EXPECT_LT(largest_second_difference(run.audio), 1.5 * normal);
  EXPECT_EQ(run.stats.resets, 1U);
}

TEST(ReceiverStream, StragglersOfTheOldSsrcDoNotChangeBack) {
  media::Receiver receiver({});
  auto packet = voice()[0].packet;
  const auto insert = [&](std::uint32_t ssrc, std::size_t index, double at_ms) {
    packet = voice()[index].packet;
    packet.ssrc = ssrc;
    packet.arrival = kEpoch + ms(at_ms);
    receiver.insert(packet);
  };
  for (std::size_t i = 0; i < 10; ++i) insert(1, i, 20.0 * static_cast<double>(i));
  insert(2, 20, 200);
  insert(1, 10, 205);
  insert(2, 21, 220);
  insert(1, 11, 221);
  EXPECT_EQ(receiver.stats().resets, 1U);
  EXPECT_EQ(receiver.stats().late, 2U);
}

TEST(ReceiverStream, OnePacketFromElsewhereIsDropped) {
  auto packets = voice();
  packets[100].packet.sequence = static_cast<std::uint16_t>(packets[100].packet.sequence + 9'000);
  packets[100].packet.timestamp += 500'000'000;
  const auto run = run_receiver(packets, {.tail = 0ms});
  EXPECT_EQ(run.stats.resets, 0U);
  EXPECT_EQ(run.stats.lost, 1U);
}

TEST(ReceiverStream, ModeAndLengthMayChangeWithEveryPacket) {
  const auto samples = speech(12, 4, {.pause_seconds = 0});
  std::vector<TimedPacket> packets;
  std::size_t at = 0;
  std::uint16_t sequence = 65'530;
  for (int i = 0; at + 2 * 5'760 < samples.size(); ++i) {
    OpusSourceConfig source;
    source.low_delay = i % 3 == 1;
    source.bitrate = i % 5 == 0 ? 16'000 : 48'000;
    source.stereo = i % 4 == 2;
    source.frame_us = (i % 3 == 1) ? 10'000 : 20'000;
    source.frames_per_packet = 1 + i % 6;
    const std::size_t length =
        static_cast<std::size_t>(source.frame_us * source.frames_per_packet) * 48 / 1'000;
    auto one = opus_packets(std::span(samples).subspan(at, length), source).at(0);
    one.packet.sequence = sequence++;
    one.packet.timestamp = static_cast<std::uint32_t>(at);
    at += length;
    one.sent = Duration(static_cast<std::int64_t>(at) * 1'000'000 / 48);
    packets.push_back(one);
  }
  const auto run = run_receiver(packets, {.tail = 0ms});
  EXPECT_EQ(run.stats.decode_errors, 0U);
  EXPECT_EQ(run.stats.lost, 0U);
  EXPECT_EQ(run.stats.resets, 0U);
  EXPECT_LT(peak(run.audio), 1.0);
}

TEST(ReceiverStream, StereoIsFoldedDown) {
  const auto samples = speech(3, 4, {.pause_seconds = 0});
  const auto packets = opus_packets(samples, {.bitrate = 64'000, .stereo = true});
  const auto run = run_receiver(packets, {.tail = 0ms});
  EXPECT_EQ(std::count_if(run.ticks.begin(), run.ticks.end(), [](const auto& t) { return t.packet; }), 0);
  EXPECT_NEAR(rms_dbfs(run.audio), rms_dbfs(samples) + to_db(0.85), 1.0);
}

TEST(ReceiverStream, GarbageIsConcealedAndCounted) {
  auto packets = voice();
  Random random(5);
  for (std::size_t i = 50; i < packets.size(); i += 7) {
    auto& packet = packets[i].packet;
    packet.size = static_cast<std::uint16_t>(1 + random.below(MediaPacket::kMaxPayload));
    for (std::size_t b = 0; b < packet.size; ++b)
      packet.payload[b] = static_cast<std::uint8_t>(random.next());
  }
  const auto run = run_receiver(packets, {.tail = 0ms});
  EXPECT_GT(run.stats.decode_errors, 5U);
  for (const float s : run.audio) ASSERT_TRUE(std::isfinite(s) && std::abs(s) < 4);
}

// Ten times the packets a talker would send, with every kind of nonsense in their numbers, cannot grow the
// store nor stop the sound that comes after.
TEST(ReceiverStream, FloodIsBounded) {
  for (const int kind : {0, 1, 2, 3}) {
    media::Receiver receiver({});
    Random random(static_cast<std::uint64_t>(kind) + 1);
    std::vector<float> out(960);
    TimePoint at = kEpoch;
    MediaPacket packet = voice()[10].packet;
    for (int tick = 0; tick < 300; ++tick, at += 20ms) {
      for (int i = 0; i < 10; ++i) {
        packet.sequence = static_cast<std::uint16_t>(packet.sequence + 1);
        packet.timestamp += 960;
        packet.arrival = at - 20ms + i * 2ms;
        if (kind == 1) packet.sequence = static_cast<std::uint16_t>(random.next());
        if (kind == 2) packet.timestamp = static_cast<std::uint32_t>(random.next());
        if (kind == 3) {
          packet.ssrc = static_cast<std::uint32_t>(random.next());
          packet.size = static_cast<std::uint16_t>(random.below(MediaPacket::kMaxPayload + 1));
        }
        receiver.insert(packet);
      }
      receiver.pull(at, out);
      EXPECT_LT(receiver.stats().delay, 1s);
    }
    // Afterwards the leg works again within half a second.
    std::size_t decoded = 0;
    for (std::size_t i = 0; i < 100; ++i, at += 20ms) {
      packet = voice()[i].packet;
      packet.ssrc = 4'711;
      packet.arrival = at - 5ms;
      receiver.insert(packet);
      if (receiver.pull(at, out).kind == PulledKind::decoded) ++decoded;
    }
    EXPECT_GE(decoded, 75U) << kind;
    EXPECT_EQ(receiver.stats().delay, 5ms) << kind;
  }
}

TEST(ReceiverStream, ResetForgetsAllButTheCounters) {
  media::Receiver receiver({});
  std::vector<float> out(960);
  auto packet = voice()[0].packet;
  packet.arrival = kEpoch;
  receiver.insert(packet);
  EXPECT_TRUE(receiver.active());
  receiver.pull(kEpoch + 1ms, out);
  receiver.reset();
  EXPECT_FALSE(receiver.active());
  EXPECT_EQ(receiver.pull(kEpoch + 21ms, out).kind, PulledKind::silence);
  packet.sequence = 5;
  packet.arrival = kEpoch + 30ms;
  receiver.insert(packet);
  EXPECT_EQ(receiver.pull(kEpoch + 41ms, out).kind, PulledKind::decoded);
}

}  // namespace
}  // namespace parley::test
