#include "client/direct_path.hpp"

#include <utility>

namespace parley::client {

void DirectPath::start(TimePoint at) {
  *this = DirectPath();
  state_ = State::checking;
  since_ = at;
}

void DirectPath::connected(TimePoint at) {
  if (state_ != State::checking) return;
  state_ = State::connected;
  since_ = at;
}

void DirectPath::heard(TimePoint at, bool sound) {
  heard_at_ = at;
  heard_sound_ = sound;
  if (state_ == State::connected) {
    state_ = State::ready;
    news_ = "ready";
    advance(at);
  }
}

void DirectPath::peer_is(TimePoint at, std::string_view state) {
  if (state_ == State::off || state_ == State::fading) return;
  if (state == "trouble") hedged_ = at;
  if (state == "ready" || state == "active") peer_ready_ = true;
  if (state == "active" && !quiet_mcu_at_) quiet_mcu_at_ = at + kOverlap;
  advance(at);
}

void DirectPath::advance(TimePoint at) {
  if (state_ != State::ready || !peer_ready_) return;
  state_ = State::active;
  since_ = at;
  heard_at_ = at;
  news_ = "active";  // says "ready" as well
}

void DirectPath::stop(TimePoint at) {
  if (state_ == State::off || state_ == State::fading) return;
  const bool carried = state_ >= State::connected;
  state_ = carried ? State::fading : State::off;
  since_ = at;
  news_.reset();
}

void DirectPath::broken(TimePoint at, std::string why) {
  if (state_ == State::off || state_ == State::fading) return;
  stop(at);
  failure_ = std::move(why);
}

void DirectPath::on_timer(TimePoint at) {
  switch (state_) {
    case State::checking:
    case State::connected:
    case State::ready:
      if (at - since_ >= kConnectLimit) broken(at, "no-path");
      return;
    case State::fading:
      if (at - since_ >= kFadeBack) state_ = State::off;
      return;
    case State::off:
      return;
    case State::active:
      break;
  }
  const Duration silence = at - *heard_at_;
  if (silence >= kDead) return broken(at, "silence");
  if (silence >= (heard_sound_ ? kSpeechGap : kQuietGap)) {
    // Most often both directions die together: what we say takes the server's path, too, before we know.
    if (!hedged_) news_ = "trouble";
    hedged_ = at;
  }
  if (hedged_ && at - *hedged_ >= kHedge) hedged_.reset();
  if (quiet_mcu_at_ && at >= *quiet_mcu_at_) mcu_quiet_ = true;
}

bool DirectPath::sends_mcu() const {
  return state_ != State::active || !mcu_quiet_ || hedged_;
}

std::optional<std::string> DirectPath::take_news() {
  return std::exchange(news_, std::nullopt);
}
std::optional<std::string> DirectPath::take_failure() {
  return std::exchange(failure_, std::nullopt);
}

}  // namespace parley::client
