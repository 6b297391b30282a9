// How many talkers a room can afford (design rule 3): what a talker costs is measured, so that a crowd that
// starts to talk at once is let in only as far as the tick reaches, and no tick is late for it. This is for
// rooms that mix dozens at once; a place for kAlways talkers there always is, and what they cost too much is
// the overload ladder's affair.
//
// Threads: the room's mix thread.
#pragma once

#include <cstddef>

#include "transport/base/time.hpp"

namespace parley::media {

class TalkerBudget {
 public:
  static constexpr int kAlways = 8;

  explicit TalkerBudget(Duration tick);

  // After a tick: the room's own work in it, that of the thread's other rooms, and how many talkers it had.
  // Returns the places of the next tick.
  int step(Duration work, Duration others, std::size_t talkers);
  int places() const { return places_; }

 private:
  double tick_;
  double load_ = 0;  // ns of work in a tick, smoothed
  double cost_;      // ns of it for each talker
  int places_;
  int ticks_to_settle_ = 0;
};

}  // namespace parley::media
