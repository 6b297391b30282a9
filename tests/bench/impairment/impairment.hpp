// A network that is bad in a way that repeats: the same seed gives the same losses and delays on every
// machine. Time is virtual: send times go in, arrival times come out.
#pragma once

#include <cstdint>
#include <optional>
#include <queue>
#include <vector>

#include "tests/support/speech.hpp"
#include "transport/base/media_packet.hpp"
#include "transport/base/time.hpp"

namespace parley::test {

struct ImpairmentConfig {
  std::uint64_t seed = 1;
  Duration delay = 20ms;          // every packet's way
  Duration uniform_jitter{};      // added: uniform in [0, this)
  Duration exponential_jitter{};  // added: exponential with this mean, cut off at ten times that
  bool keep_order = false;        // a packet never overtakes the one before
  double loss = 0;                // independent, 0 to 1
  double burst_begin = 0;         // Gilbert-Elliott: chance per packet to go from good to bad
  double burst_end = 1;           // ... and back
  double burst_loss = 1;          // loss while bad
  double duplicate = 0;           // chance that a packet comes twice
  double reorder = 0;             // chance that a packet is held back by reorder_by
  Duration reorder_by = 30ms;
  Duration stall_every{};  // nothing arrives for stall_length, then all at once; 0: never
  Duration stall_length = 300ms;
};

// When a packet sent at `sent` arrives: never, once or twice. Calls in order of sending.
class Impairment {
 public:
  explicit Impairment(const ImpairmentConfig& config) : config_(config), random_(config.seed) {}

  struct Fate {
    std::optional<TimePoint> arrival;
    std::optional<TimePoint> duplicate;
  };
  Fate fate(TimePoint sent);

 private:
  bool is_lost();
  TimePoint arrival(TimePoint sent);

  ImpairmentConfig config_;
  Random random_;
  bool bad_ = false;
  std::optional<TimePoint> first_;
  TimePoint last_arrival_{};
};

// A link: packets are sent into it and fetched in order of arrival, with `arrival` set.
class Link {
 public:
  explicit Link(const ImpairmentConfig& config) : impairment_(config) {}

  void send(const MediaPacket& packet, TimePoint at);
  // The next packet that has arrived by `until`.
  std::optional<MediaPacket> receive(TimePoint until);

  std::uint64_t sent() const { return sent_; }
  std::uint64_t lost() const { return lost_; }

 private:
  struct Later {
    bool operator()(const MediaPacket& a, const MediaPacket& b) const {
      return a.arrival != b.arrival ? a.arrival > b.arrival
                                    : static_cast<std::int16_t>(a.sequence - b.sequence) > 0;
    }
  };
  Impairment impairment_;
  std::priority_queue<MediaPacket, std::vector<MediaPacket>, Later> under_way_;
  std::uint64_t sent_ = 0;
  std::uint64_t lost_ = 0;
};

// A sender's clock: `ppm` > 0 runs fast, so that its media time passes sooner.
struct SenderClock {
  TimePoint start{};
  double ppm = 0;
  TimePoint at(Duration media) const {
    return start + Duration(static_cast<std::int64_t>(static_cast<double>(media.count()) / (1 + ppm * 1e-6)));
  }
};

}  // namespace parley::test
