// Tests as tables: which packet arrives when, and what each tick is made of.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "pipelines/media/receiver.hpp"
#include "tests/bench/impairment/receiver_run.hpp"
#include "tests/support/opus_source.hpp"

namespace parley::test {

struct Arrives {
  std::size_t packet;  // index; it is complete at the sender at (packet + 1) * its length
  double at_ms;        // after the start
};

inline Duration ms(double value) {
  return Duration(static_cast<std::int64_t>(value * 1e6));
}

// One letter per tick: '.' silence, 'd' decoded, 's' stretched, 'f' FEC, 'c' concealed.
inline char letter(media::PulledKind kind) {
  return ".dsfc"[static_cast<std::size_t>(kind)];
}

struct ScriptResult {
  std::string kinds;
  std::string holes;  // 'p' a whole packet, 'h' a hole, '-' neither
  std::vector<float> audio;
  media::ReceiverStats stats;
};

// Ticks at phase, phase + tick, ... while they are <= last_ms.
inline ScriptResult play(const std::vector<TimedPacket>& packets, std::vector<Arrives> arrivals,
                         double phase_ms, double last_ms, const media::ReceiverConfig& config = {}) {
  std::stable_sort(arrivals.begin(), arrivals.end(),
                   [](const Arrives& a, const Arrives& b) { return a.at_ms < b.at_ms; });
  media::Receiver receiver(config);
  ScriptResult result;
  std::vector<float> out(receiver.samples_per_tick());
  std::size_t next = 0;
  for (TimePoint at = kEpoch + ms(phase_ms); at <= kEpoch + ms(last_ms); at += config.tick) {
    for (; next < arrivals.size() && kEpoch + ms(arrivals[next].at_ms) <= at; ++next) {
      MediaPacket packet = packets[arrivals[next].packet].packet;
      packet.arrival = kEpoch + ms(arrivals[next].at_ms);
      receiver.insert(packet);
    }
    const auto pulled = receiver.pull(at, out);
    result.kinds += letter(pulled.kind);
    result.holes += pulled.packet != nullptr ? 'p' : pulled.hole ? 'h' : '-';
    result.audio.insert(result.audio.end(), out.begin(), out.end());
  }
  result.stats = receiver.stats();
  return result;
}

// Packets first..last, each at its own time plus `delay_ms`.
inline std::vector<Arrives> in_time(std::size_t first, std::size_t last, double delay_ms = 0,
                                    double packet_ms = 20) {
  std::vector<Arrives> out;
  for (std::size_t i = first; i <= last; ++i)
    out.push_back({i, packet_ms * static_cast<double>(i) + delay_ms});
  return out;
}
inline std::vector<Arrives> without(std::vector<Arrives> arrivals, std::initializer_list<std::size_t> lost) {
  std::erase_if(arrivals, [&](const Arrives& a) {
    return std::find(lost.begin(), lost.end(), a.packet) != lost.end();
  });
  return arrivals;
}
inline std::vector<Arrives> delayed(std::vector<Arrives> arrivals, std::map<std::size_t, double> at_ms) {
  for (auto& a : arrivals)
    if (const auto found = at_ms.find(a.packet); found != at_ms.end()) a.at_ms = found->second;
  return arrivals;
}

}  // namespace parley::test
