// The overload ladder (design rule 3): when the tick's work passes 70 % of the tick, step by step: lower
// complexity, fewer talkers, fewer tiers, refuse joins; undone with hysteresis (below 45 % for 5 s, and twice
// as long each time that a step down brought the overload back, up to 80 s).
//
// Threads: the mix thread whose rooms it watches. Time is an argument.
#pragma once

#include <cstdint>

#include "transport/base/time.hpp"

namespace parley::media {

class OverloadLadder {
 public:
  explicit OverloadLadder(Duration tick);
  // Work of all rooms of a mix thread in one tick; `refused`: talkers had to wait because there is no time
  // for them, which is overload whatever the work. Returns the rung, 0 (no load problem) to kTop.
  int step(TimePoint at, Duration work, bool refused = false);
  int rung() const { return rung_; }
  std::uint64_t changes() const { return changes_; }

  static constexpr int kTop = 6;
  static constexpr int kCheapest = 2;  // here coding is as cheap as it gets
  // What a rung means.
  int complexity(int configured) const;   // rungs 1, 2: 5 then 2 (never above configured)
  int max_talkers(int configured) const;  // rungs 3, 4: half, then 3 at most (0 = all counts as 64)
  bool single_tier() const { return rung_ >= 5; }
  bool refuse_joins() const { return rung_ >= 6; }

 private:
  void climb(TimePoint at);
  void move(TimePoint at, int rung);

  Duration tick_;
  int rung_ = 0;
  double load_ = 0;  // smoothed share of the tick
  TimePoint last_change_{};
  TimePoint calm_since_{};
  bool calm_ = false;
  bool descended_ = false;  // the last change was a step down
  Duration patience_;
  std::uint64_t changes_ = 0;
};

}  // namespace parley::media
