// What the net and mix threads tell the ctl thread: one bounded queue, drained on ctl.
//
// Lifecycle events (connected, ended) must not be lost: each leg makes a handful of them at most, so the
// queue is sized for all legs; talking, gain and traffic come again and are counted when the queue is full.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>

#include "transport/base/bounded_queue.hpp"
#include "transport/leg/leg.hpp"

namespace parley::app {

struct MediaEvent {
  enum class Kind : std::uint8_t { connected, rebound, ended, talking, gain_advice, delay_alarm, traffic };
  Kind kind = Kind::connected;
  LegId leg = LegId::none;
  Address remote;            // connected, rebound
  LegEnd end{};              // ended
  bool talking = false;      // talking
  std::uint8_t level = 127;  // talking
  float gain_db = 0;         // gain_advice
  Duration delay{};          // delay_alarm
  LegTraffic traffic;        // traffic
};

class EventInbox {
 public:
  // `wake` is called from any thread, at most once per drain: it schedules drain() on ctl.
  EventInbox(std::size_t capacity, std::function<void()> wake) : queue_(capacity), wake_(std::move(wake)) {}

  void post(const MediaEvent& event) {
    if (!queue_.push(event)) {
      dropped_.fetch_add(1, std::memory_order_relaxed);
      return;
    }
    if (!pending_.exchange(true, std::memory_order_acq_rel)) wake_();
  }

  // On ctl.
  void drain(const std::function<void(const MediaEvent&)>& handle) {
    pending_.store(false, std::memory_order_release);
    while (queue_.pop_with([&](MediaEvent& event) { current_ = event; })) handle(current_);
  }

  std::uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }

 private:
  BoundedQueue<MediaEvent> queue_;
  std::function<void()> wake_;
  std::atomic<bool> pending_{false};
  std::atomic<std::uint64_t> dropped_{0};
  MediaEvent current_;  // owned by ctl: the cell is free again while the event is handled
};

}  // namespace parley::app
