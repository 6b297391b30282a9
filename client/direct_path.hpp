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
  static constexpr Duration kGuessAfter = 1200ms;  // checks that have a chance have got through
  static constexpr Duration kProbation =
      2s;  // going direct: the peer fades over, and the path shows its worth
  static constexpr Duration kFadeBack = 900ms;  // coming back: the server's path is the longer one
  static constexpr Duration kSpeechGap = 30ms;  // after a packet was due in the middle of speech
  static constexpr Duration kQuietGap = 150ms;  // a keep-alive is due every 100 ms
  static constexpr Duration kDead = 300ms;
  // Whose checks stay unanswered while media arrives knows nothing of its own way; RFC 7675 has it stop
  // sending after 30 s, when the call had better be elsewhere.
  static constexpr Duration kNoConsent = 5s;
  // Being missed once is worth a second of the server's path, two losses within kLossPair are worth more: on
  // a path that loses packets all the time the server's goes along all the time.
  static constexpr Duration kHedge = 1s;
  static constexpr Duration kLossPair = 2s;
  static constexpr Duration kLossyHedge = 5s;
  static constexpr double kTooLossy = 0.15;  // of kJudged packets: the server's path is likely to be better
  static constexpr std::uint64_t kJudged = 150;
  static constexpr double kMuchTooLossy = 0.25;  // of a third of them: more than concealment can bridge

  enum class State : std::uint8_t { off, checking, connected, ready, active, fading };

  void start(TimePoint at);
  void connected(TimePoint at);
  enum class Heard : std::uint8_t {
    keep_alive,  // no RTP
    pause,       // RTP, and no more for a while
    sound,       // RTP: the next is due soon
  };
  // An authenticated packet came over the direct path.
  void heard(TimePoint at, Heard what);
  void packets_last(Duration length) { packet_ = length; }
  // Of the peer's RTP since the beginning, in packets.
  void traffic(TimePoint at, std::uint64_t received, std::uint64_t lost);
  void consented(TimePoint at, TimePoint last);        // the peer's last answer to a check
  void peer_is(TimePoint at, std::string_view state);  // ready, active, trouble
  void stop(TimePoint at);                             // the server's word, or our own wish
  void broken(TimePoint at, std::string why);          // the leg has ended, loss is too high
  void on_timer(TimePoint at);                         // every 10 ms while state() is not off

  State state() const { return state_; }
  bool sends_direct() const { return state_ >= State::connected; }
  bool sends_mcu() const;
  bool listens_direct() const { return state_ == State::active; }
  // True once, when ordinary checks have failed and ports may be guessed.
  bool time_to_guess(TimePoint at);
  // What to tell the peer through the server, each once.
  std::optional<std::string> take_news();
  // Why it was given up; once.
  std::optional<std::string> take_failure();

 private:
  void advance(TimePoint at);
  void hedge(TimePoint at, Duration length);

  State state_ = State::off;
  TimePoint since_{};  // this state
  std::optional<TimePoint> heard_at_;
  std::optional<TimePoint> sound_at_;  // the last RTP, unless it began a pause
  Duration packet_ = 20ms;
  std::uint64_t lost_ = 0;
  // When the loss was judged last, over many packets and over few.
  struct Judged {
    std::uint64_t received = 0, lost = 0;
  };
  static bool too_lossy(Judged& last, Judged now, std::uint64_t of, double most);
  Judged long_, short_;
  std::optional<TimePoint> lost_at_;
  bool peer_ready_ = false;
  std::optional<TimePoint> quiet_mcu_at_;  // the peer listens to the direct path
  TimePoint hedged_until_{};               // the server's path is used, too
  TimePoint tell_again_{};                 // the peer is told of trouble at most once a second
  bool mcu_quiet_ = false;
  bool guessed_ = false;
  std::optional<std::string> news_, failure_;
};

}  // namespace parley::client
