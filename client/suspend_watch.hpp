// Notices that this process has not run for a while: the machine was suspended, or the process was stopped.
// What the network knew of us is then likely to be gone, and asking now is better than waiting for time-outs.
//
// Two clocks are needed: CLOCK_MONOTONIC stands still while the machine is suspended, CLOCK_BOOTTIME does
// not. Pure. Threads: one owner.
#pragma once

#include <optional>

#include "transport/base/time.hpp"

namespace parley::client {

class SuspendWatch {
 public:
  static constexpr Duration kAsleep = 3s;

  // Call a few times a second. `since_boot`: CLOCK_BOOTTIME. True when at least kAsleep has passed since the
  // call before.
  bool awoke(Duration since_boot) {
    const bool slept = last_ && since_boot - *last_ >= kAsleep;
    last_ = since_boot;
    return slept;
  }

 private:
  std::optional<Duration> last_;
};

// CLOCK_BOOTTIME.
Duration time_since_boot();

}  // namespace parley::client
