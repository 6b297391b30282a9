#include "pipelines/mix_taps.hpp"

#include <algorithm>

namespace parley::pipelines {
namespace {

constexpr std::uint64_t kDelaySample = 10;  // frames from one look at a talker's delay to the next
constexpr Duration kMixLatency = 7'750us;   // the limiter's look-ahead, and the talker's encoder's

}  // namespace

std::size_t MixTaps::serve(const OutboundFrame& frame, TimePoint tick, const RoomPipeline& room) noexcept {
  std::size_t served = 0;
  for (const auto& [leg, consumer] : taps_) {
    if (std::find(frame.legs.begin(), frame.legs.end(), leg) == frame.legs.end()) continue;
    if (served++ == 0) observe_delay(frame, room);
    MixFrame mix;
    mix.media_time = frame.media_time;
    mix.at = tick;
    mix.spoken = tick - delay_.value_or(Duration{}) - (frame.forwarded ? Duration{} : kMixLatency);
    mix.size = static_cast<std::uint32_t>(frame.payload.size());
    mix.lost = frame.holes_before;
    mix.quiet = frame.contributors.empty();
    consumer->on_mix(mix, frame.payload);
  }
  return served;
}

// The loudest talker's delay, smoothed, tells when the mix was said.
void MixTaps::observe_delay(const OutboundFrame& frame, const RoomPipeline& room) noexcept {
  if (frame.contributors.empty() || frames_++ % kDelaySample != 0) return;
  const auto stats = room.leg_stats(frame.contributors.front().leg);
  if (!stats) return;
  const auto before = delay_.value_or(stats->receiver.delay);
  delay_ = before + (stats->receiver.delay - before) / 8;
}

void MixTaps::end(LegId listener) noexcept {
  const auto found =
      std::find_if(taps_.begin(), taps_.end(), [listener](const auto& tap) { return tap.first == listener; });
  if (found == taps_.end()) return;
  found->second->on_mix_end();
  taps_.erase(found);
}

void MixTaps::end_all() noexcept {
  for (const auto& [leg, consumer] : taps_) consumer->on_mix_end();
  taps_.clear();
}

}  // namespace parley::pipelines
