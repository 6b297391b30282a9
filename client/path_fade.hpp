// Which of two paths is heard, tick by tick. Both carry the same talker, the server's some tens of
// milliseconds later: at a change nothing may be heard twice and nothing be left out. So the sound of the
// direct path goes through a delay line that is as long as the difference when the paths are faded over, and
// is shortened and lengthened without a click when they are not:
//
//   to the direct path    the line begins with the difference and is then played up, in pauses at once
//   back to the server    the line grows to the difference, then they are faded over
//   both carry sound      (the direct path loses packets) the line keeps all but kLead of the difference, at
//                         most kMostKept: if the direct path dies now, the server's is all but level with it
//   a path that dies      what was heard last is stretched by concealment until the server's path has got
//                         there, at most kHold of it
//
// Pure. Threads: one owner (the playout thread).
#pragma once

#include <optional>
#include <span>

#include "client/path_aligner.hpp"
#include "pipelines/media/pcm_fifo.hpp"
#include "pipelines/media/receiver.hpp"
#include "pipelines/media/time_stretcher.hpp"

namespace parley::client {

class PathFade {
 public:
  PathFade();

  // What one tick brought on a path, 20 ms at 48 kHz.
  struct Tick {
    media::PulledKind kind = media::PulledKind::silence;
    std::span<const float> pcm;
  };
  // `direct_wanted`: both ends have agreed on it. Writes out.size() samples; all three have this size.
  void mix(bool direct_wanted, const Tick& mcu, const Tick& direct, std::span<float> out);

  // Nothing of the direct path is to be heard any more, from the next tick on.
  void drop_direct() { dropped_ = true; }
  bool on_direct() const { return on_direct_; }
  // By how much what is heard of the direct path is kept back, in samples.
  std::size_t kept_back() const { return on_direct_ ? line_.size() : 0; }

 private:
  static constexpr std::size_t kTick = 960;
  static constexpr int kDry = 2;                  // ticks without sound: the path has run dry
  static constexpr int kSound = 10;               // good ticks before a path that was dry is trusted
  static constexpr int kQuiet = 15;               // ticks of quiet on both: nothing is to be aligned
  static constexpr int kPatience = 36;            // ticks that a change waits for its moment
  static constexpr int kLookAgain = 10;           // ticks between two measurements of the difference
  static constexpr std::size_t kHold = 100 * 48;  // samples
  // What a direct path that is not trusted keeps of its advantage: more than a tick.
  static constexpr std::size_t kLead = 30 * 48;
  static constexpr std::size_t kMostKept = 80 * 48;  // a server's path that is far behind is not waited for
  static constexpr int kAlong = 25;                  // ticks: the server's path goes along
  static constexpr int kMostGap = 50;                // ticks without its sound: it does not (any more)
  static constexpr std::size_t kPauseHold = 60 * 48;
  static constexpr std::size_t kNearEnough = 4 * 48;  // samples: less than a pitch period

  void watch(const Tick& mcu, const Tick& direct);
  void enter_line(std::size_t lag);
  void steer(bool direct_wanted);
  std::size_t wanted_line(bool direct_wanted) const;
  bool leaves_mcu(bool direct_wanted);
  bool leaves_direct(bool direct_wanted, const Tick& mcu);

  PathAligner aligner_;
  media::PcmFifo line_;
  const media::TimeStretcher stretcher_;
  bool on_direct_ = false, dropped_ = false;
  int direct_dry_ = 0;              // ticks in a row without sound, although there should be some
  bool paused_ = false;             // that began as a pause
  int direct_good_ = 0;             // ticks in a row that were not concealed
  int quiet_ = 0;                   // ticks in a row in which neither had anything to say
  int waiting_ = 0;                 // ticks that a change has been waiting
  int along_ = 0;                   // ticks with sound of the server's path, while it goes along
  int alone_ = 0;                   // ticks since it had sound
  std::optional<std::size_t> lag_;  // of the server's path, when last measured
  std::optional<std::size_t> last_look_;
  int lag_age_ = 0;    // ticks
  double budget_ = 0;  // samples that speech may be stretched by now
};

}  // namespace parley::client
