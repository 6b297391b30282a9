#include "tests/bench/impairment/impairment.hpp"

#include <algorithm>

namespace parley::test {

bool Impairment::is_lost() {
  bad_ = bad_ ? !random_.chance(config_.burst_end) : random_.chance(config_.burst_begin);
  const bool by_burst = bad_ && random_.chance(config_.burst_loss);
  const bool by_chance = random_.chance(config_.loss);
  return by_burst || by_chance;
}

TimePoint Impairment::arrival(TimePoint sent) {
  TimePoint at = sent + config_.delay;
  const auto scaled = [](Duration span, double factor) {
    return Duration(static_cast<std::int64_t>(static_cast<double>(span.count()) * factor));
  };
  at += scaled(config_.uniform_jitter, random_.uniform());
  at += scaled(config_.exponential_jitter, std::min(10.0, random_.exponential(1)));
  if (random_.chance(config_.reorder)) at += config_.reorder_by;
  if (config_.stall_every > Duration{}) {
    // Stalls lie in the middle of each interval, so that the beginning of a run is quiet.
    const Duration since = at - *first_;
    const Duration phase = since % config_.stall_every - config_.stall_every / 2;
    if (phase >= Duration{} && phase < config_.stall_length) at += config_.stall_length - phase;
  }
  if (config_.keep_order) at = std::max(at, last_arrival_);
  last_arrival_ = std::max(last_arrival_, at);
  return at;
}

Impairment::Fate Impairment::fate(TimePoint sent) {
  if (!first_) first_ = sent + config_.delay;
  Fate fate;
  const bool lost = is_lost();
  const bool twice = random_.chance(config_.duplicate);
  const TimePoint at = arrival(sent);
  if (lost) return fate;
  fate.arrival = at;
  if (twice) fate.duplicate = at + 5ms;
  return fate;
}

void Link::send(const MediaPacket& packet, TimePoint at) {
  ++sent_;
  const auto fate = impairment_.fate(at);
  if (!fate.arrival) ++lost_;
  for (const auto& arrival : {fate.arrival, fate.duplicate}) {
    if (!arrival) continue;
    MediaPacket copy = packet;
    copy.arrival = *arrival;
    under_way_.push(copy);
  }
}

std::optional<MediaPacket> Link::receive(TimePoint until) {
  if (under_way_.empty() || under_way_.top().arrival > until) return std::nullopt;
  MediaPacket packet = under_way_.top();
  under_way_.pop();
  return packet;
}

}  // namespace parley::test
