// What the parts of the mix cost per tick of 20 ms: `mix-bench`. The median of many runs, in microseconds.
#include <opus.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <random>
#include <vector>

#include "pipelines/media/celt_level.hpp"
#include "pipelines/media/g711_level.hpp"
#include "pipelines/media/loudness.hpp"
#include "pipelines/media/mix_bus.hpp"
#include "pipelines/media/opus_inspect.hpp"
#include "pipelines/media/talker_selector.hpp"

namespace parley::media {
namespace {

constexpr std::size_t kTick = 960;

// Keeps the compiler from dropping what nobody reads.
template <typename T>
void keep(const T& value) {
  asm volatile("" : : "g"(&value) : "memory");
}

void measure(const char* what, int calls, const std::function<void()>& body) {
  std::vector<double> runs;
  for (int run = 0; run < 301; ++run) {
    const TimePoint start = now();
    for (int i = 0; i < calls; ++i) body();
    runs.push_back(to_ms(now() - start) * 1e3 / calls);
  }
  std::nth_element(runs.begin(), runs.begin() + 150, runs.end());
  std::printf("%-62s %9.3f us\n", what, runs[150]);
}

std::vector<float> noise(float amplitude, std::uint32_t seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> sample(-amplitude, amplitude);
  std::vector<float> samples(kTick);
  for (float& s : samples) s = sample(random);
  return samples;
}

void bench_buses() {
  const std::vector<float> samples = noise(0.5F, 1);
  std::vector<Q24> part(kTick);
  std::vector<Q24Sum> sum(kTick);
  std::vector<float> out(kTick);
  measure("to_q24, constant gain", 100, [&] {
    to_q24(samples, 1.0F, 1.0F, part);
    keep(part[0]);
  });
  measure("to_q24, moving gain", 100, [&] {
    to_q24(samples, 0.5F, 1.0F, part);
    keep(part[0]);
  });
  measure("add", 100, [&] {
    add(sum, part);
    keep(sum[0]);
  });
  measure("subtract", 100, [&] {
    subtract(sum, part);
    keep(sum[0]);
  });

  std::vector<Q24Sum> tail(Limiter::kLookAhead);
  for (const bool active : {false, true}) {
    std::vector<Q24Sum> bus(kTick);
    for (int i = 0; i < (active ? 4 : 1); ++i) add(bus, part);
    Limiter limiter(kTick);
    std::printf("limiter, %s\n", active ? "limiting" : "idle");
    measure("  measure, one bus", 100, [&] { limiter.measure(bus); });
    measure("  finish", 100, [&] { limiter.finish(); });
    measure("  apply, one bus", 100, [&] {
      limiter.apply(bus, tail, out);
      keep(out[0]);
    });
  }
}

void bench_loudness() {
  const std::vector<float> samples = noise(0.1F, 3);
  LoudnessMeter meter;
  measure("LoudnessMeter::add", 100, [&] { meter.add(samples); });
}

MediaPacket silk_packet(bool voice) {
  MediaPacket packet;
  std::vector<std::uint8_t> payload(80, 0x55);
  payload[0] = 0x48;  // SILK wideband, 20 ms, mono, one frame
  payload[1] = voice ? 0x80 : 0x00;
  packet.assign(payload);
  return packet;
}

// Noise at -65 dBFS in the low-delay profile.
std::vector<MediaPacket> celt_packets() {
  int error = 0;
  OpusEncoder* encoder = opus_encoder_create(48'000, 1, OPUS_APPLICATION_RESTRICTED_LOWDELAY, &error);
  opus_encoder_ctl(encoder, OPUS_SET_BITRATE(40'000));
  std::vector<MediaPacket> packets(50);
  for (std::uint32_t i = 0; i < 50; ++i) {
    const int size = opus_encode_float(encoder, noise(1e-3F, i).data(), 960, packets[i].payload.data(),
                                       static_cast<opus_int32>(packets[i].payload.size()));
    packets[i].size = static_cast<std::uint16_t>(std::max(0, size));
  }
  opus_encoder_destroy(encoder);
  return packets;
}

void bench_packets() {
  const MediaPacket packet = silk_packet(true);
  measure("inspect_opus", 1'000, [&] { keep(inspect_opus(packet.data())); });
  const std::vector<MediaPacket> packets = celt_packets();
  CeltLevel level;
  std::size_t next = 0;
  measure("CeltLevel::read", 1'000, [&] { keep(level.read(packets[next++ % packets.size()].data())); });
  const std::vector<std::uint8_t> payload(160, 0x12);
  measure("g711_level_dbfs, 160 bytes", 1'000, [&] { keep(g711_level_dbfs(Codec::pcmu, payload)); });
}

// A room of 1,000 legs of which `sending` send and `talking` of these talk; per tick: on_packet of each
// sender, one choose(), on_decoded of each leg that is not skipped.
struct Room {
  const char* kind;
  bool has_levels;
  bool celt;
  std::uint32_t sending;
  std::uint32_t talking;
};

double median(std::vector<double>& values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

void bench_room(const Room& room) {
  TalkerSelector selector{TalkerConfig{}};
  for (std::uint32_t i = 1; i <= 1'000; ++i) selector.add(LegId{i}, Codec::opus, room.has_levels);
  std::vector<MediaPacket> quiet = room.celt ? celt_packets() : std::vector{silk_packet(false)};
  MediaPacket voice = silk_packet(true);
  TimePoint at{1h};
  std::vector<double> packets, choices, decodes;
  std::size_t listened = 0;
  for (std::size_t tick = 0; tick < 1'000; ++tick, at += 20ms) {
    MediaPacket& background = quiet[tick % quiet.size()];
    background.arrival = voice.arrival = at;
    background.level = 90;
    voice.level = 20;
    const TimePoint start = now();
    for (std::uint32_t i = 1; i <= room.sending; ++i) {
      selector.on_packet(LegId{i}, i <= room.talking ? voice : background);
    }
    const TimePoint received = now();
    const auto choice = selector.choose(at);
    const TimePoint chosen = now();
    for (const auto& [leg, listening] : choice) {
      if (listening == Listening::skip) continue;
      selector.on_decoded(leg, at, raw(leg) <= room.talking ? -20.0F : -90.0F);
      ++listened;
    }
    keep(selector.changes());
    packets.push_back(to_ms(received - start) * 1e3);
    choices.push_back(to_ms(chosen - received) * 1e3);
    decodes.push_back(to_ms(now() - chosen) * 1e3);
  }
  std::printf("%-22s %4u send %4u talk: packets %7.2f us, choose %5.2f us, decoded %5.2f us; %5.1f decodes\n",
              room.kind, room.sending, room.talking, median(packets), median(choices), median(decodes),
              static_cast<double>(listened) / 1e3);
}

}  // namespace
}  // namespace parley::media

int main() {
  using namespace parley::media;
  bench_buses();
  bench_loudness();
  bench_packets();
  std::printf("selector, 1,000 legs, per tick\n");
  for (const Room& room :
       {Room{"nobody", true, false, 0, 0}, Room{"SILK, levels", true, false, 200, 3},
        Room{"SILK, no levels", false, false, 200, 3}, Room{"CELT, no levels", false, true, 200, 3},
        Room{"SILK, levels", true, false, 1'000, 3}, Room{"SILK, no levels", false, false, 1'000, 3},
        Room{"CELT, no levels", false, true, 1'000, 3}, Room{"SILK, levels", true, false, 1'000, 1'000},
        Room{"SILK, no levels", false, false, 1'000, 1'000}}) {
    bench_room(room);
  }
}
