// When the next piece of sound is due at a sound device that takes it in bursts.
//
// A device empties the queue in front of it in steps of 10 to 80 ms and by a clock of its own. If the pieces
// were made when the device asks, they would be pulled from the jitter buffer in the same bursts, before
// their packets can have come. So they are made every 20 ms, and twice a second the phase of that rhythm is
// moved by a few milliseconds, to keep the lowest level of the queue small but above zero; this also follows
// the device's drift.
//
// Pure: time is passed in. Threads: one owner.
#pragma once

#include "transport/base/time.hpp"

namespace parley::device {

class PlayoutClock {
 public:
  static constexpr Duration kPeriod = 20ms;
  static constexpr Duration kLow = 5ms, kHigh = 25ms;  // where the lowest level of the queue is kept
  static constexpr Duration kStep = 5ms;
  static constexpr int kPiecesPerStep = 25;
  static constexpr Duration kMaxBehind = 200ms;  // later than this (a suspended machine): begin anew

  // The deadline of the next piece.
  TimePoint next(TimePoint now) {
    if (due_ == TimePoint{} || now - due_ > kMaxBehind) due_ = now;
    due_ += kPeriod;
    return due_;
  }

  // How much sound waits for the device at that deadline, before the piece is added.
  void observe(Duration queued) {
    lowest_ = queued < lowest_ ? queued : lowest_;
    if (++pieces_ < kPiecesPerStep) return;
    if (lowest_ < kLow) due_ -= lowest_ == Duration::zero() ? 2 * kStep : kStep;  // sooner: the queue grows
    if (lowest_ > kHigh) due_ += kStep;
    lowest_ = Duration::max();
    pieces_ = 0;
  }

 private:
  TimePoint due_{};
  Duration lowest_ = Duration::max();
  int pieces_ = 0;
};

}  // namespace parley::device
