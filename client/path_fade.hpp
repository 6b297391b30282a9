// Which of two paths is heard, tick by tick, with a cross-fade between them. Both carry the same talker, the
// server's some tens of milliseconds later: the change waits a little for a pause in which nobody notices,
// never for a path that has run dry.
//
// Pure. Threads: one owner (the playout thread).
#pragma once

#include <span>

#include "pipelines/media/receiver.hpp"

namespace parley::client {

class PathFade {
 public:
  // What one tick brought on a path.
  struct Tick {
    media::PulledKind kind = media::PulledKind::silence;
    std::span<const float> pcm;
  };
  // `direct_wanted`: both ends have agreed on it. Writes out.size() samples; all three have this size.
  void mix(bool direct_wanted, const Tick& mcu, const Tick& direct, std::span<float> out);

  bool on_direct() const { return on_direct_; }

 private:
  static constexpr int kDry = 2;        // concealed ticks in a row: the path has run dry
  static constexpr int kSound = 10;     // good ticks in a row before a path that was dry is trusted again
  static constexpr int kPatience = 15;  // ticks that a change waits for a pause
  bool should_change(bool direct_wanted, const Tick& mcu, const Tick& direct);

  bool on_direct_ = false;
  int direct_dry_ = 0;   // concealed or silent ticks in a row
  int direct_good_ = 0;  // ticks in a row that were not concealed
  int waiting_ = 0;
};

}  // namespace parley::client
