#include "pipelines/media/overload_ladder.hpp"

#include <algorithm>

namespace parley::media {

namespace {

constexpr double kHigh = 0.70;        // of the tick: climb
constexpr double kLow = 0.45;         // of the tick: calm
constexpr double kSmoothing = 200e6;  // ns: a single slow tick is no overload
constexpr Duration kSettle = 300ms;   // what the last rung brought must show before the next
constexpr Duration kCalm = 5s;
constexpr Duration kMostPatience = 80s;
constexpr Duration kRelapse = 10s;  // overload so soon after a step down: that step was too early

}  // namespace

OverloadLadder::OverloadLadder(Duration tick) : tick_(tick), patience_(kCalm) {}

int OverloadLadder::step(TimePoint at, Duration work) {
  const double share = std::max(0.0, static_cast<double>(work.count()) / static_cast<double>(tick_.count()));
  load_ += (share - load_) * std::min(1.0, static_cast<double>(tick_.count()) / kSmoothing);

  if (load_ >= kLow) calm_ = false;
  if (load_ < kLow && !calm_) {
    calm_ = true;
    calm_since_ = at;
  }
  if (load_ > kHigh && rung_ < kTop && (changes_ == 0 || at - last_change_ >= kSettle)) {
    if (stepped_down_ && at - last_change_ < kRelapse) patience_ = std::min(2 * patience_, kMostPatience);
    move(at, rung_ + 1);
  } else if (calm_ && rung_ > 0 && at - calm_since_ >= patience_ && at - last_change_ >= patience_) {
    move(at, rung_ - 1);
    if (rung_ == 0) patience_ = kCalm;
  }
  return rung_;
}

void OverloadLadder::move(TimePoint at, int rung) {
  stepped_down_ = rung < rung_;
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
