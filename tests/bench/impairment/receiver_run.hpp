// Drives one Receiver through a bad network in virtual time: a minute of call takes a few hundred
// milliseconds.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "pipelines/media/receiver.hpp"
#include "tests/bench/impairment/impairment.hpp"
#include "tests/support/opus_source.hpp"

namespace parley::test {

struct RunConfig {
  media::ReceiverConfig receiver{};
  ImpairmentConfig network{};
  double drift_ppm = 0;   // of the sender's clock
  Duration phase = 7ms;   // of the first tick after the start
  Duration tail = 400ms;  // ticks go on so long after the last packet was sent
  bool keep_audio = true;
  // True: this tick is skipped, not pulled.
  std::function<bool(TimePoint)> skip{};
};

struct TickRecord {
  TimePoint at{};
  media::PulledKind kind = media::PulledKind::silence;
  bool packet = false;
  std::uint16_t sequence = 0;  // of the packet
  bool hole = false;
  bool skipped = false;
  Duration delay{};  // of the packet decoded last: playing minus arrival
  Duration target{};
};

struct RunResult {
  TimePoint start{};
  std::vector<float> audio;  // skipped ticks are zeros
  std::vector<TickRecord> ticks;
  media::ReceiverStats stats;
  std::uint64_t lost_on_the_way = 0;

  std::size_t count(media::PulledKind kind) const;
  double share(media::PulledKind kind) const;  // of the ticks that were pulled
};

// Where all virtual time begins.
inline constexpr TimePoint kEpoch{1'000s};

RunResult run_receiver(std::span<const TimedPacket> packets, const RunConfig& config = {});

}  // namespace parley::test
