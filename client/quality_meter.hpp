// From what a path's leg and receiver have counted to the figures of an interval.
//
// Pure: time is passed in. One owner.
#pragma once

#include <optional>

#include "client/session_types.hpp"
#include "pipelines/media/receiver.hpp"
#include "transport/leg/leg.hpp"

namespace parley::client {

class QualityMeter {
 public:
  struct Reading {
    LegTraffic traffic;
    media::ReceiverStats receiver;
    std::uint32_t rate = 48'000;  // of the receiver's sample counts
  };
  bool has_begun() const { return before_.has_value(); }
  void reset() { *this = {}; }
  // The buffer's delay at any moment of the interval: its figure is the mean of these, since a moment may be
  // an odd one (a machine that stood still).
  void note_delay(Duration delay);
  // The first reading only begins. What is not of a meter (path, addresses) is left empty.
  std::optional<PathQuality> read(TimePoint at, Codec codec, const Reading& reading);

 private:
  struct Before {
    TimePoint at{};
    Reading reading;
  };
  std::optional<Before> before_;
  Duration delays_{};
  int delay_count_ = 0;
};

// Mean and worst of the values so far; -1 before the first.
class MosTally {
 public:
  void add(double mos);
  MosSummary summary() const;

 private:
  double sum_ = 0, worst_ = 0;
  unsigned count_ = 0;
};

}  // namespace parley::client
