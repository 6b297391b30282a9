// The way of one call of two between the server's leg and the direct one: what is sent where, which of them
// is listened to, what the peer has to be told, and when the direct path is given up. Make before break: both
// ends hear the direct path before either stops sending to the server, and both paths carry sound for a while
// when it goes back.
//
//   checking -> connected (DTLS is done) -> ready (the peer was heard) -> active (the peer is ready, too)
//   any of them -> fading (both paths once more) -> off
//
// Pure: time is passed in. Threads: one owner (the network thread).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "transport/base/time.hpp"

namespace parley::client {

class DirectPath {
 public:
  static constexpr Duration kConnectLimit = 10s;
  static constexpr Duration kOverlap = 200ms;   // going direct: the peer is fading over
  static constexpr Duration kFadeBack = 500ms;  // coming back: the server's path is the longer one
  static constexpr Duration kSpeechGap = 70ms;  // three packets in the middle of speech
  static constexpr Duration kQuietGap = 150ms;  // a keep-alive is due every 100 ms
  static constexpr Duration kDead = 300ms;
  static constexpr Duration kHedge = 1s;

  enum class State : std::uint8_t { off, checking, connected, ready, active, fading };

  void start(TimePoint at);
  void connected(TimePoint at);
  // An authenticated packet came over the direct path. `sound`: RTP with something in it.
  void heard(TimePoint at, bool sound);
  void peer_is(TimePoint at, std::string_view state);  // ready, active, trouble
  void stop(TimePoint at);                             // the server's word, or our own wish
  void broken(TimePoint at, std::string why);          // the leg has ended, loss is too high
  void on_timer(TimePoint at);                         // every 20 ms while state() is not off

  State state() const { return state_; }
  bool sends_direct() const { return state_ >= State::connected; }
  bool sends_mcu() const;
  bool listens_direct() const { return state_ == State::active; }
  // What to tell the peer through the server, each once.
  std::optional<std::string> take_news();
  // Why it was given up; once.
  std::optional<std::string> take_failure();

 private:
  void advance(TimePoint at);

  State state_ = State::off;
  TimePoint since_{};  // this state
  std::optional<TimePoint> heard_at_;
  bool heard_sound_ = false;  // lately: the next packet is due soon
  bool peer_ready_ = false;
  std::optional<TimePoint> quiet_mcu_at_;  // the peer listens to the direct path
  std::optional<TimePoint> hedged_;        // the server's path is used, too, since the peer was last missed
  bool mcu_quiet_ = false;
  std::optional<std::string> news_, failure_;
};

}  // namespace parley::client
