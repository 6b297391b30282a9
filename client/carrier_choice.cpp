#include "client/carrier_choice.hpp"

namespace parley::client {

void CarrierChoice::begin(TimePoint at) {
  carrier_ = Carrier::udp;
  since_ = at;
  alive_since_.reset();
}

Carrier CarrierChoice::decide(TimePoint at, const Signs& signs) {
  if (rule_ == CarrierRule::udp) return Carrier::udp;
  if (rule_ == CarrierRule::websocket) return Carrier::websocket;
  switch (carrier_) {
    case Carrier::udp:
      watch_udp(at, signs);
      break;
    case Carrier::websocket:
      if (is_alive(at, signs) && *signs.answered - *alive_since_ >= trust_) {
        carrier_ = Carrier::both;
        since_ = at;
      }
      break;
    case Carrier::both:
      watch_trial(at, signs);
      break;
  }
  return carrier_;
}

void CarrierChoice::watch_udp(TimePoint at, const Signs& signs) {
  if (!signs.ready) {
    if (blocked_ || at - since_ >= kJoinPatience) fall(at);
    return;
  }
  const auto missing = [&](const std::optional<TimePoint>& sign, Duration limit) {
    return at - std::max(sign.value_or(since_), since_) > limit + signs.round_trip;
  };
  if (missing(signs.heard, kSilence) || missing(signs.answered, kUnanswered)) fall(at);
}

void CarrierChoice::watch_trial(TimePoint at, const Signs& signs) {
  const bool heard = !signs.expects_rtp || (signs.heard_rtp && *signs.heard_rtp > since_);
  if (!is_alive(at, signs) || (!heard && at - since_ >= kLongestTrial)) {
    trust_ = std::min(trust_ * 2, kLastTrust);
    return fall(at);
  }
  if (!heard || at - since_ < kTrial) return;
  carrier_ = Carrier::udp;
  since_ = at;
  returned_ = at;
  blocked_ = false;
}

void CarrierChoice::fall(TimePoint at) {
  if (carrier_ == Carrier::udp && returned_)
    trust_ = at - *returned_ < kCalm ? std::min(trust_ * 2, kLastTrust) : kFirstTrust;
  carrier_ = Carrier::websocket;
  since_ = at;
  blocked_ = true;
  alive_since_.reset();
}

bool CarrierChoice::is_alive(TimePoint at, const Signs& signs) {
  const bool alive = signs.ready && signs.answered && at - *signs.answered <= kPause + signs.round_trip;
  if (!alive)
    alive_since_.reset();
  else if (!alive_since_)
    alive_since_ = at;
  return alive;
}

}  // namespace parley::client
