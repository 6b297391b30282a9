#include "client/direct_path.hpp"

#include <algorithm>
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

void DirectPath::heard(TimePoint at, Heard what) {
  heard_at_ = at;
  if (what == Heard::sound) sound_at_ = at;
  if (what == Heard::pause) sound_at_.reset();
  if (state_ == State::connected) {
    state_ = State::ready;
    news_ = "ready";
    advance(at);
  }
}

void DirectPath::traffic(TimePoint at, std::uint64_t received, std::uint64_t lost) {
  if (state_ != State::active) return;
  if (lost > lost_) {  // fewer than before: a late one has come after all
    const bool pair = lost - lost_ > 1 || (lost_at_ && at - *lost_at_ < kLossPair);
    lost_ = lost;
    lost_at_ = at;
    if (pair) hedge(at, kLossyHedge);
  }
  const bool lately = too_lossy(short_, {received, lost}, kJudged / 3, kMuchTooLossy);
  if (too_lossy(long_, {received, lost}, kJudged, kTooLossy) || lately) broken(at, "loss");
}

bool DirectPath::too_lossy(Judged& last, Judged now, std::uint64_t of, double most) {
  const auto missing = now.lost > last.lost ? now.lost - last.lost : 0;
  const auto expected = now.received - last.received + missing;
  if (expected < of) return false;
  last = now;
  return static_cast<double>(missing) > most * static_cast<double>(expected);
}

void DirectPath::consented(TimePoint at, TimePoint last) {
  if (state_ == State::active && at - last >= kNoConsent) broken(at, "consent");
}

// Most often both directions suffer together: what we say takes the server's path, too, before we know.
void DirectPath::hedge(TimePoint at, Duration length) {
  hedged_until_ = std::max(hedged_until_, at + length);
  mcu_quiet_ = false;
  if (at < tell_again_) return;
  tell_again_ = at + 1s;
  news_ = "trouble";
}

void DirectPath::peer_is(TimePoint at, std::string_view state) {
  if (state_ == State::off || state_ == State::fading) return;
  if (state == "trouble") {
    hedged_until_ = std::max(hedged_until_, at + kLossyHedge);
    mcu_quiet_ = false;
  }
  if (state == "ready" || state == "active") peer_ready_ = true;
  if (state == "active" && !quiet_mcu_at_) quiet_mcu_at_ = at + kProbation;
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
  if (silence >= kQuietGap || (sound_at_ && at - *sound_at_ >= packet_ + kSpeechGap)) hedge(at, kHedge);
  mcu_quiet_ = quiet_mcu_at_ && at >= *quiet_mcu_at_ && at >= hedged_until_;
}

bool DirectPath::time_to_guess(TimePoint at) {
  if (state_ != State::checking || guessed_ || at - since_ < kGuessAfter) return false;
  guessed_ = true;
  return true;
}

bool DirectPath::sends_mcu() const {
  return state_ != State::active || !mcu_quiet_;
}

std::optional<std::string> DirectPath::take_news() {
  return std::exchange(news_, std::nullopt);
}
std::optional<std::string> DirectPath::take_failure() {
  return std::exchange(failure_, std::nullopt);
}

}  // namespace parley::client
