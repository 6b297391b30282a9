// Whether a stream is up, and when it is tried again: the state machine behind every endpoint. Pure; time and
// randomness are passed in.
//
//   connecting --delivered()--> live --failed()--> retrying --due()--> connecting ...    stop() from anywhere
//
// The pause before the next try doubles with each failure. It starts small again only after the stream has
// been up for a while: sinks of GStreamer reach PLAYING before a login is refused, so being up for a moment
// means nothing.
#pragma once

#include <cstdint>
#include <string>

#include "transport/base/time.hpp"

namespace parley::streams {

enum class StreamState : std::uint8_t { connecting, live, retrying, stopped };
const char* to_string(StreamState state);

// What kind of failure: a refusal will hardly heal within seconds, so it is asked less often.
enum class Failure : std::uint8_t { network, refused };

class Retry {
 public:
  static constexpr Duration kFirst = 500ms;
  // An endpoint that comes back is found within 5 s; one that refuses is left alone for half a minute.
  static constexpr Duration kMostNetwork = 3200ms;
  static constexpr Duration kMostRefused = 30s;
  static constexpr Duration kSettled = 10s;
  static constexpr double kJitter = 0.2;  // either way: many streams of one server must not knock in step

  explicit Retry(TimePoint at, std::uint64_t seed) : random_(seed | 1), since_(at) {}

  // A connection stands and takes data.
  void delivered(TimePoint at);
  void failed(TimePoint at, const std::string& cause, Failure kind);
  void stop(TimePoint at);
  // In `retrying`, when its time has come: goes over to `connecting`.
  bool due(TimePoint at);

  StreamState state() const { return state_; }
  TimePoint since() const { return since_; }           // of the present state
  const std::string& cause() const { return cause_; }  // of the last failure; empty when all is well
  std::uint64_t failures() const { return failures_; }
  std::uint64_t connects() const { return connects_; }
  TimePoint next() const { return next_; }

  // Worth a line in the log? Each cause once, then at each doubling of the failures in a row: an endpoint
  // that fails for a week writes a few dozen lines.
  bool worth_a_line() const { return worth_a_line_; }

 private:
  void enter(StreamState state, TimePoint at);
  double jitter();

  std::uint64_t random_;
  StreamState state_ = StreamState::connecting;
  TimePoint since_;
  TimePoint next_{};
  std::string cause_, logged_cause_;
  std::uint64_t failures_ = 0, connects_ = 0;
  std::uint64_t in_a_row_ = 0;  // failures without kSettled of being live between them
  bool worth_a_line_ = false;
};

}  // namespace parley::streams
