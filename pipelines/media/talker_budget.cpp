#include "pipelines/media/talker_budget.hpp"

#include <algorithm>

namespace parley::media {

namespace {

constexpr double kMost = 0.6;         // of the tick, for all rooms of the thread
constexpr double kLeast = 0.2;        // for this one, whatever the others do
constexpr double kFilled = 0.8;       // of what is allowed: up to there newcomers are let in
constexpr double kGuess = 0.0075;     // of the tick: a talker and its class, before it is measured
constexpr double kCheapest = 1e3;     // ns
constexpr std::size_t kMeasured = 4;  // talkers; fewer tell little of what one costs
constexpr double kMostNew = 16;       // let in at once: what they cost shows in the next tick
// The classes of talkers who were turned out go on being coded for 300 ms.
constexpr int kSettleTicks = 20;

}  // namespace

TalkerBudget::TalkerBudget(Duration tick)
    : tick_(static_cast<double>(tick.count())), cost_(kGuess * tick_), places_(static_cast<int>(kMostNew)) {}

int TalkerBudget::step(Duration work, Duration others, std::size_t talkers) {
  // A tick in which the machine did something else is no measure of the room.
  const double spent = std::clamp(static_cast<double>(work.count()), 0.0, 2 * tick_);
  const double allowed = std::max(
      kMost * tick_ - static_cast<double>(std::max(others, Duration::zero()).count()), kLeast * tick_);
  const auto count = static_cast<double>(talkers);
  load_ += (spent - load_) / 8;
  if (talkers >= kMeasured) cost_ += (spent / count - cost_) / 16;
  if (ticks_to_settle_ > 0) --ticks_to_settle_;

  double places = count;
  if (load_ > allowed && ticks_to_settle_ == 0) {
    places = count * kFilled * allowed / load_;
    ticks_to_settle_ = kSettleTicks;
  } else if (const double left = kFilled * allowed - std::max(load_, spent); left > 0) {
    places = count + std::min(left / std::max(cost_, kCheapest), kMostNew);
  }
  places_ = std::max(kAlways, static_cast<int>(places));
  return places_;
}

}  // namespace parley::media
