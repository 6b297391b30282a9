#include "pipelines/media/overload_ladder.hpp"

#include <algorithm>

namespace parley::media {

namespace {

constexpr double kHigh = 0.70;  // of the tick: climb
constexpr double kLow = 0.45;   // of the tick: calm
constexpr double kMostShare = 4.0;
constexpr double kSmoothing = 200e6;  // ns: a single slow tick is no overload
constexpr Duration kSettle = 300ms;   // what the last rung brought must show before the next
constexpr Duration kCalm = 5s;
constexpr Duration kMostPatience = 80s;
constexpr Duration kRelapse = 10s;  // overload so soon after a step down: that step was too early

}  // namespace

OverloadLadder::OverloadLadder(Duration tick) : tick_(tick), patience_(kCalm) {}

int OverloadLadder::step(TimePoint at, Duration work, bool refused) {
  const double measured = static_cast<double>(work.count()) / static_cast<double>(tick_.count());
  const double share = refused ? std::max(measured, 1.0) : measured;
  load_ += (std::clamp(share, 0.0, kMostShare) - load_) * static_cast<double>(tick_.count()) / kSmoothing;

  if (load_ >= kLow) calm_ = false;
  if (load_ < kLow && !calm_) {
    calm_ = true;
    calm_since_ = at;
  }
  if (load_ > kHigh && rung_ < kTop && (changes_ == 0 || at - last_change_ >= kSettle)) {
    climb(at);
  } else if (calm_ && rung_ > 0 && at - std::max(calm_since_, last_change_) >= patience_) {
    move(at, rung_ - 1);
    descended_ = true;
  }
  return rung_;
}

void OverloadLadder::climb(TimePoint at) {
  if (descended_) patience_ = at - last_change_ < kRelapse ? std::min(2 * patience_, kMostPatience) : kCalm;
  descended_ = false;
  move(at, rung_ + 1);
  load_ = (kLow + kHigh) / 2;  // what was measured before says nothing of the new rung
}

void OverloadLadder::move(TimePoint at, int rung) {
  rung_ = rung;
  last_change_ = at;
  ++changes_;
}

int OverloadLadder::complexity(int configured) const {
  if (rung_ >= 2) return std::min(configured, 2);
  return rung_ == 1 ? std::min(configured, 5) : configured;
}

int OverloadLadder::max_talkers(int configured) const {
  if (rung_ < 3) return configured;
  const int half = ((configured > 0 ? configured : 64) + 1) / 2;
  return rung_ == 3 ? half : std::min(half, 3);
}

}  // namespace parley::media
