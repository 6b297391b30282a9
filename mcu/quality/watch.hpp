// Turns figures into news: a direction of a path has become bad, or is good again. With hysteresis, so that a
// call at the threshold does not flood its moderators.
//
// Pure. One owner.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "mcu/quality/sample.hpp"

namespace parley::quality {

class Watch {
 public:
  static constexpr int kBadAfter = 2;      // samples in a row below the threshold
  static constexpr int kGoodAfter = 3;     // in a row at least kMargin above it
  static constexpr double kMargin = 0.2;   // MOS
  static constexpr int kForgetAfter = 12;  // samples in which nothing was said: nothing is known any more

  struct Change {
    bool uplink = true;  // or the downlink
    bool bad = false;
    double mos = 0;
  };
  // A MOS below `threshold` is bad; 0: none is.
  std::vector<Change> take(const Sample& sample, double threshold);
  // Of samples that have not come since `before_ms`: who has left is neither bad nor good.
  void forget(std::int64_t before_ms);

  struct Counts {
    std::size_t uplinks = 0, downlinks = 0;  // that are bad
  };
  Counts bad() const;

 private:
  struct Key {
    std::string participant;
    bool direct = false, uplink = true;
    auto operator<=>(const Key&) const = default;
  };
  struct State {
    bool bad = false;
    int against = 0;  // samples in a row that speak against `bad`
    int silent = 0;
    std::int64_t at_ms = 0;
  };
  std::map<Key, State> states_;
};

}  // namespace parley::quality
