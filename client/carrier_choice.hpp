// What carries the call to the server: UDP as long as that works, the WebSocket while it does not, and UDP
// again when it has shown for a while that it is back. The way back goes through a trial in which every
// packet goes both ways, so that nothing is missed if the trial fails.
//
// Pure: time is passed in. Threads: one owner (the network thread).
#pragma once

#include <algorithm>
#include <optional>

#include "transport/base/carrier.hpp"
#include "transport/base/time.hpp"

namespace parley::client {

enum class CarrierRule : std::uint8_t { automatic, udp, websocket };

class CarrierChoice {
 public:
  // A leg that UDP has not connected by then goes over the WebSocket; UDP may still come.
  static constexpr Duration kJoinPatience = 1s;
  // Nothing came by UDP, and a client that misses something asks every 200 ms. Plus a round trip.
  static constexpr Duration kSilence = 1s;
  // Something comes and no check is answered: it is our own way that is blocked. Plus a round trip.
  static constexpr Duration kUnanswered = 5s;
  // UDP has to answer for so long without a pause before it is tried. Each relapse within kCalm doubles it.
  static constexpr Duration kFirstTrust = 2s, kLastTrust = 60s;
  static constexpr Duration kCalm = 60s;
  static constexpr Duration kPause = 1500ms;  // it is asked once a second
  static constexpr Duration kTrial = 1s, kLongestTrial = 5s;

  struct Signs {
    bool ready = false;                 // keys and a path are there
    std::optional<TimePoint> answered;  // the last check
    std::optional<TimePoint> heard;     // anything
    std::optional<TimePoint> heard_rtp;
    Duration round_trip{};
    bool expects_rtp = true;  // the server has reason to send some
  };

  explicit CarrierChoice(CarrierRule rule) : rule_(rule) {}

  // A new leg. What was learnt of the network stays.
  void begin(TimePoint at);
  // The server does not carry media.
  void refused() { rule_ = CarrierRule::udp; }
  // A few times a second.
  Carrier decide(TimePoint at, const Signs& signs);

 private:
  void fall(TimePoint at);
  void watch_udp(TimePoint at, const Signs& signs);
  void watch_trial(TimePoint at, const Signs& signs);
  bool is_alive(TimePoint at, const Signs& signs);

  CarrierRule rule_;
  Carrier carrier_ = Carrier::udp;
  TimePoint since_{};  // this carrier, or this leg
  bool blocked_ = false;
  std::optional<TimePoint> alive_since_;  // UDP has answered without a pause
  std::optional<TimePoint> returned_;     // to UDP
  Duration trust_ = kFirstTrust;
};

}  // namespace parley::client
