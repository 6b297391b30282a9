// Whether somebody talks, told from their packets: on a direct call the server does not hear it.
//
// Pure. Threads: one owner (the network thread).
#pragma once

#include <utility>

#include "transport/base/time.hpp"

namespace parley::client {

class TalkWatch {
 public:
  static constexpr Duration kHangOver = 400ms;

  // Both: true if it has changed.
  bool on_packet(TimePoint at, bool voice) {
    if (!voice) return on_timer(at);
    voice_at_ = at;
    return !std::exchange(talking_, true);
  }
  bool on_timer(TimePoint at) {
    return talking_ && at - voice_at_ > kHangOver && std::exchange(talking_, false);
  }
  bool talking() const { return talking_; }

 private:
  bool talking_ = false;
  TimePoint voice_at_{};
};

}  // namespace parley::client
