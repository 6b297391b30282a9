// How long a packet must wait so that the next ones come in time. Every arrival is compared with the fastest
// packet of the last second; the worst of each half second is remembered for twelve seconds; the target is
// the worst but one of these (about one packet in 300 comes later). A burst raises the target at once and
// lets it fall again within little more than a second, so that one stall does not cost a lasting delay.
//
// Units: `media` is the media time of a packet's first sample on an endless internal time line; "relative
// delay" is arrival minus media minus the base. Threads: the receiver's. Memory: fixed.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "transport/base/time.hpp"

namespace parley::media {

class DelayManager {
 public:
  DelayManager(Duration min, Duration max) : min_(min), max_(max) {}

  void on_packet(TimePoint arrival, Duration media);

  bool known() const { return bucket_count_ > 0; }
  // A packet of media time m, sent without any jitter, would arrive at TimePoint(base() + m).
  Duration base() const { return base_; }
  Duration relative(TimePoint at, Duration media) const { return at.time_since_epoch() - media - base_; }

  // `ahead`: how much earlier than played packets are wanted (for in-band FEC).
  Duration target(TimePoint at, Duration ahead = {}) const;  // quantile or recent peak, within min and max
  Duration steady_target(Duration ahead = {}) const;         // quantile only
  double drift_ppm() const { return drift_ppm_; }  // > 0: the sender's clock is fast; 0 until measured

  void restart();  // another time line: base and drift are forgotten, what is known of the jitter stays

 private:
  static constexpr std::size_t kBuckets = 4;
  static constexpr std::size_t kWindows = 24;
  static constexpr std::size_t kDriftPoints = 32;

  struct Bucket {
    TimePoint opened{};
    Duration fastest{};
  };
  struct Window {
    TimePoint opened{};
    Duration worst{};
  };
  struct DriftPoint {
    float seconds = 0;
    float offset_ms = 0;
  };

  void move_base(TimePoint arrival, Duration offset);
  void note_worst(TimePoint arrival, Duration relative);
  void note_drift(TimePoint arrival, Duration offset);
  void measure_drift();
  Duration quantile() const;
  Duration drift_allowance() const;
  Duration peak(TimePoint at) const;

  Duration min_;
  Duration max_;
  std::array<Bucket, kBuckets> buckets_{};
  std::size_t bucket_count_ = 0;
  std::size_t bucket_at_ = 0;
  Duration base_{};
  TimePoint last_arrival_{};

  std::array<Window, kWindows> windows_{};
  std::size_t window_count_ = 0;
  std::size_t window_at_ = 0;
  Duration quantile_{};
  Duration peak_{};
  TimePoint peak_at_{};

  std::array<DriftPoint, kDriftPoints> drift_{};
  std::size_t drift_count_ = 0;
  std::size_t drift_at_ = 0;
  TimePoint drift_epoch_{};
  TimePoint drift_opened_{};
  Duration drift_origin_{};
  double drift_ppm_ = 0;
};

}  // namespace parley::media
