// What the parts of the mix cost per tick of 20 ms: `mix-bench`. The median of many runs, in microseconds.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <random>
#include <vector>

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

void bench_packets() {
  const MediaPacket packet = silk_packet(true);
  measure("inspect_opus", 1'000, [&] { keep(inspect_opus(packet.data())); });
  const std::vector<std::uint8_t> payload(160, 0x12);
  measure("g711_level_dbfs, 160 bytes", 1'000, [&] { keep(g711_level_dbfs(Codec::pcmu, payload)); });
}

// A room of 1,000 legs in which `sending` send and `talking` talk; per tick: on_packet of each sender, one
// choose(), on_decoded of each leg that is not skipped.
void bench_room(std::uint32_t sending, std::uint32_t talking) {
  TalkerSelector selector{TalkerConfig{}};
  for (std::uint32_t i = 1; i <= 1'000; ++i) selector.add(LegId{i}, Codec::opus, true);
  TimePoint at{1h};
  std::vector<double> packets;
  std::vector<double> choices;
  std::vector<double> decodes;
  std::size_t listened = 0;
  MediaPacket packet = silk_packet(false);
  for (int tick = 0; tick < 1'000; ++tick, at += 20ms) {
    const TimePoint start = now();
    for (std::uint32_t i = 1; i <= sending; ++i) {
      packet.arrival = at;
      packet.level = i <= talking ? 20 : 90;
      selector.on_packet(LegId{i}, packet);
    }
    const TimePoint received = now();
    const auto choice = selector.choose(at);
    const TimePoint chosen = now();
    for (const auto& [leg, listening] : choice) {
      if (listening == Listening::skip) continue;
      selector.on_decoded(leg, at, raw(leg) <= talking ? -20.0F : -90.0F);
      ++listened;
    }
    keep(selector.changes());
    packets.push_back(to_ms(received - start) * 1e3);
    choices.push_back(to_ms(chosen - received) * 1e3);
    decodes.push_back(to_ms(now() - chosen) * 1e3);
  }
  const auto median = [](std::vector<double>& v) {
    std::nth_element(v.begin(), v.begin() + static_cast<std::ptrdiff_t>(v.size() / 2), v.end());
    return v[v.size() / 2];
  };
  std::printf(
      "selector, 1,000 legs, %4u send, %3u talk: packets %8.2f us, choose %6.2f us, decoded %6.2f us; "
      "%.1f legs decoded per tick\n",
      sending, talking, median(packets), median(choices), median(decodes),
      static_cast<double>(listened) / 1e3);
}

}  // namespace
}  // namespace parley::media

int main() {
  using namespace parley::media;
  bench_buses();
  bench_loudness();
  bench_packets();
  bench_room(0, 0);
  bench_room(200, 3);
  bench_room(1'000, 3);
  bench_room(1'000, 1'000);
}
