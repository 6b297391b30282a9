// The figures of one leg over an interval: of what the server has counted, and of what only the client knows.
//
// Pure: time is passed in. One owner.
#pragma once

#include <optional>

#include "mcu/quality/sample.hpp"
#include "transport/base/time.hpp"

namespace parley::quality {

// In: from the participant to the server. Totals since the leg began, except jitter, round trip, delay and
// target.
struct LegTotals {
  std::uint64_t packets_in = 0, packets_out = 0, lost_in = 0, lost_out = 0, bytes_in = 0, bytes_out = 0;
  double jitter_in_ms = 0, jitter_out_ms = 0;
  double round_trip_ms = -1;  // negative: no report of the client has come yet
  // Of the server's jitter buffer, if the leg has one.
  bool has_receiver = false;
  std::uint64_t concealed_samples = 0, fec = 0;
  double delay_ms = 0, target_ms = 0;
};

// What the client says of its end of the way down, of about the same interval. Negative: not said.
struct ClientSays {
  double loss = -1,
         recovered = -1;  // of all it should have received, also of what was lost before it got here
  double delay_ms = -1, target_ms = -1, concealed_ms = -1;
};

class LegMeter {
 public:
  // Fills in round trip, uplink and downlink. The first interval is the time since the leg began, whose
  // bitrate is not known.
  void read(TimePoint at, Codec codec, const LegTotals& now, const std::optional<ClientSays>& client,
            Sample& out);
  TimePoint last() const { return at_; }

 private:
  TimePoint at_{};
  bool begun_ = false;
  LegTotals before_;
};

}  // namespace parley::quality
