#include "mcu/quality/watch.hpp"

namespace parley::quality {

std::vector<Watch::Change> Watch::take(const Sample& sample, double threshold) {
  std::vector<Change> out;
  for (const bool uplink : {true, false}) {
    const double mos = uplink ? sample.uplink.mos : sample.downlink.mos;
    auto& state = states_[{sample.participant, sample.is_direct(), uplink}];
    state.at_ms = sample.at_ms;
    if (mos < 0) {
      if (++state.silent >= kForgetAfter) state = State{false, 0, kForgetAfter, sample.at_ms};
      continue;
    }
    state.silent = 0;
    const bool against = state.bad ? mos >= threshold + (threshold > 0 ? kMargin : 0) : mos < threshold;
    state.against = against ? state.against + 1 : 0;
    if (state.against < (state.bad ? kGoodAfter : kBadAfter)) continue;
    state.bad = !state.bad;
    state.against = 0;
    out.push_back({uplink, state.bad, mos});
  }
  return out;
}

void Watch::forget(std::int64_t before_ms) {
  std::erase_if(states_, [before_ms](const auto& entry) { return entry.second.at_ms < before_ms; });
}

Watch::Counts Watch::bad() const {
  Counts out;
  for (const auto& [key, state] : states_)
    if (state.bad) ++(key.uplink ? out.uplinks : out.downlinks);
  return out;
}

}  // namespace parley::quality
