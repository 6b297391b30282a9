// When a mix class may be served with a talker's packets verbatim (design rule 5). Decoders carry state, so a
// stream may change its encoder only where that cannot be heard: after 200 ms of silence, or after the
// class's own encoder has coded this talker alone for 300 ms and the packet has been tried out; and it
// changes back through an encoder that has been warmed. Pure logic; one object per class, copied when a class
// splits.
#pragma once

#include <cstdint>

#include "transport/base/ids.hpp"
#include "transport/base/time.hpp"

namespace parley::media {

class ForwardGate {
 public:
  static constexpr Duration kSilence = 200ms;
  static constexpr Duration kAlone = 300ms;
  static constexpr int kMaxHoles = 3;  // in a row; then the encoder conceals

  enum class Serve : std::uint8_t {
    encode,
    leave,    // encode from this tick on: the decoders come from the talker's encoder
    forward,  // send the talker's packet
    hole,     // the talker's packet was lost on the way in: send nothing, leave a sequence number out
    pause,    // the talker sends nothing (DTX)
  };

  // This tick of the class.
  struct Tick {
    LegId sole = LegId::none;  // the only talker heard, at unit gain, with nothing moving
    bool settled = false;      // no mute, gain or group of this talker or class has changed lately
    bool packet = false;       // there is a packet whose decode is this tick, and it fits the class's profile
    bool loud = false;         // it is more than a DTX packet
    bool proven = false;  // tried out: the listeners' decoders would take it without a sound of their own
    bool hole = false;
    bool paused = false;  // the talker sends nothing
  };
  Serve step(const Tick& tick, Duration length);
  // What left in this tick: was there anything to hear?
  void sent(bool audible, Duration length);

  bool forwarding() const { return forwarding_; }
  // This talker has been coded alone for so long that packets are worth trying.
  bool considers(LegId talker) const { return !forwarding_ && talker == talker_ && alone_for_ >= kAlone; }
  // The same is near: the follower of the stream should start.
  bool expects(Duration ahead) const {
    return !forwarding_ && talker_ != LegId::none && alone_for_ + ahead >= kAlone;
  }
  // Sequence numbers to leave out before the next packet; taking them clears them.
  std::uint16_t take_holes();

 private:
  Serve leave();

  LegId talker_ = LegId::none;
  bool forwarding_ = false;
  Duration alone_for_{};
  Duration silent_for_{};
  std::uint16_t holes_ = 0;
};

}  // namespace parley::media
