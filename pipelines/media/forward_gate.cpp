#include "pipelines/media/forward_gate.hpp"

#include <utility>

namespace parley::media {

ForwardGate::Serve ForwardGate::step(const Tick& tick, Duration length) {
  if (forwarding_) {
    if (tick.sole != talker_ || !tick.settled) return leave();
    if (tick.packet) return Serve::forward;
    if (tick.hole && holes_ < kMaxHoles) {
      ++holes_;
      return Serve::hole;
    }
    return tick.paused && holes_ == 0 ? Serve::pause : leave();
  }
  if (tick.sole != talker_) {
    talker_ = tick.sole;
    alone_for_ = Duration::zero();
  }
  if (tick.sole == LegId::none) return Serve::encode;
  const bool may_change = silent_for_ >= kSilence || (alone_for_ >= kAlone && tick.proven);
  if (tick.settled && tick.packet && tick.loud && may_change) {
    forwarding_ = true;
    return Serve::forward;
  }
  alone_for_ += length;
  return Serve::encode;
}

ForwardGate::Serve ForwardGate::leave() {
  forwarding_ = false;
  talker_ = LegId::none;
  alone_for_ = Duration::zero();
  return Serve::leave;
}

void ForwardGate::sent(bool audible, Duration length) {
  silent_for_ = audible ? Duration::zero() : silent_for_ + length;
}

std::uint16_t ForwardGate::take_holes() {
  return std::exchange(holes_, std::uint16_t{0});
}

}  // namespace parley::media
