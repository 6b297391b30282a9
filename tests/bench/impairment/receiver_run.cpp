#include "tests/bench/impairment/receiver_run.hpp"

#include <algorithm>

namespace parley::test {

std::size_t RunResult::count(media::PulledKind kind) const {
  return static_cast<std::size_t>(std::count_if(
      ticks.begin(), ticks.end(), [kind](const TickRecord& t) { return !t.skipped && t.kind == kind; }));
}

double RunResult::share(media::PulledKind kind) const {
  const auto pulled =
      std::count_if(ticks.begin(), ticks.end(), [](const TickRecord& t) { return !t.skipped; });
  return pulled == 0 ? 0 : static_cast<double>(count(kind)) / static_cast<double>(pulled);
}

RunResult run_receiver(std::span<const TimedPacket> packets, const RunConfig& config) {
  media::Receiver receiver(config.receiver);
  Link link(config.network);
  const SenderClock sender{kEpoch, config.drift_ppm};
  RunResult result;
  result.start = kEpoch;
  const TimePoint end = sender.at(packets.back().sent) + config.tail;
  std::vector<float> out(receiver.samples_per_tick());
  std::size_t next = 0;
  for (TimePoint at = kEpoch + config.phase; at < end; at += config.receiver.tick) {
    for (; next < packets.size() && sender.at(packets[next].sent) <= at; ++next)
      link.send(packets[next].packet, sender.at(packets[next].sent));
    while (const auto packet = link.receive(at)) receiver.insert(*packet);

    TickRecord record;
    record.at = at;
    if (config.skip && config.skip(at)) {
      receiver.skip(at);
      std::fill(out.begin(), out.end(), 0.0F);
      record.skipped = true;
    } else {
      const auto pulled = receiver.pull(at, out);
      record.kind = pulled.kind;
      record.packet = pulled.packet != nullptr;
      if (record.packet) record.sequence = pulled.packet->sequence;
      record.hole = pulled.hole;
    }
    const auto stats = receiver.stats();
    record.delay = stats.delay;
    record.target = stats.target;
    result.ticks.push_back(record);
    if (config.keep_audio) result.audio.insert(result.audio.end(), out.begin(), out.end());
  }
  result.stats = receiver.stats();
  result.lost_on_the_way = link.lost();
  return result;
}

}  // namespace parley::test
