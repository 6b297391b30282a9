// The taps of one room: which consumers stand behind which hidden listeners, and what they are told of the
// frames of their class. Threads: the room's mix thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "pipelines/mix_tap.hpp"
#include "pipelines/room_pipeline.hpp"

namespace parley::pipelines {

class MixTaps {
 public:
  bool empty() const { return taps_.empty(); }
  // The hidden listener is the caller's to add to the room.
  void add(LegId listener, std::shared_ptr<MixConsumer> consumer) {
    taps_.emplace_back(listener, std::move(consumer));
  }
  void end(LegId listener) noexcept;
  void end_all() noexcept;
  // Returns how many of the frame's legs are taps. `tick`: at which it was mixed.
  std::size_t serve(const OutboundFrame& frame, TimePoint tick, const RoomPipeline& room) noexcept;
  // Behind each tick, with or without frames.
  void passed(TimePoint tick) noexcept {
    for (const auto& [leg, consumer] : taps_) consumer->on_tick(tick);
  }

 private:
  void observe_delay(const OutboundFrame& frame, const RoomPipeline& room) noexcept;

  std::vector<std::pair<LegId, std::shared_ptr<MixConsumer>>> taps_;
  std::uint64_t frames_ = 0;
  std::optional<Duration> delay_;  // of the talkers, smoothed
};

}  // namespace parley::pipelines
