// One track of a recording: packets as they arrive become a file on the recording's timeline.
//
//   arrival ─▶ order (window 500 ms) ─▶ place on the timeline ─▶ TrackOutput
//
// The place of a packet is its RTP timestamp plus the smallest delay (arrival - timestamp) of the last 10 s:
// the sender's clock drifts against ours, and this quantity follows it, free of jitter. Pauses and losses are
// filled to the place where the next packet belongs, which takes up any drift; while a sender never pauses,
// whole quiet frames are added or dropped when the track is more than 10 ms off.
//
// Threads: one (`disk`). Time is passed in. Bounded: at most kMaxHeld packets wait.
#pragma once

#include <array>
#include <cstdint>
#include <map>

#include "pipelines/recorder/track_output.hpp"
#include "transport/base/media_packet.hpp"
#include "transport/base/unwrap.hpp"

namespace parley::recorder {

struct TrackStats {
  std::uint64_t packets = 0;
  std::uint64_t lost = 0;       // holes that were filled
  std::uint64_t late = 0;       // came after their place had been filled
  std::uint64_t refused = 0;    // no packet of the codec
  std::uint64_t corrected = 0;  // quiet frames added or dropped against drift
  double worst_ms = 0;          // how far a packet with sound stood from its place at most
  std::uint64_t first_sample = 0;
};

class Track {
 public:
  static constexpr Duration kWindow = 500ms;      // a missing packet is waited for
  static constexpr Duration kSettle = 200ms;      // the first packets tell the delay before one is placed
  static constexpr Duration kFillBehind = 800ms;  // a silent track is filled up to this long ago
  static constexpr std::size_t kMaxHeld = 512;

  // `clock_rate` of the packets' timestamps; `origin`: when the recording began.
  Track(TrackOutput& output, std::uint32_t clock_rate, TimePoint origin);

  void push(const MediaPacket& packet);
  // About 20 times a second: gives up on what is missing, fills silence. `fill`: the participant is here.
  void advance(TimePoint at, bool fill);
  // The next packets have another origin of sequence numbers and timestamps (a new leg).
  void restart();
  // Writes what waits.
  void drain();

  const TrackStats& stats() const { return stats_; }

 private:
  struct Held {
    TimePoint arrival{};
    std::int64_t time = 0;  // timestamp in 48 kHz samples, unwrapped
    bool quiet = false;
    ByteBuffer payload;
  };

  std::int64_t samples_since_origin(TimePoint at) const;
  void observe(TimePoint arrival, std::int64_t delay);
  std::int64_t floor() const;
  void emit(std::int64_t sequence, const Held& packet);
  void emit_ready(TimePoint at);
  void place_contiguous(const Held& packet, std::int64_t error, std::uint32_t samples);

  TrackOutput& output_;
  const std::int64_t scale_;  // 48 kHz samples per timestamp unit
  const TimePoint origin_;
  SequenceUnwrapper sequences_;
  TimestampUnwrapper timestamps_;
  std::map<std::int64_t, Held> held_;
  std::uint32_t ssrc_ = 0;
  bool running_ = false;  // packets of the present origin have come
  bool settled_ = false;  // ... for long enough to place them
  bool placed_ = false;   // ... and one has been placed
  TimePoint started_{}, last_arrival_{};
  std::int64_t next_sequence_ = 0, next_time_ = 0;
  int quiet_run_ = 0;
  std::uint64_t reached_ = 0;  // the furthest position of the output

  // Minimum over a sliding window: of each second, and over the last ten.
  static constexpr std::size_t kSeconds = 10;
  std::array<std::int64_t, kSeconds> least_{};
  std::int64_t second_ = 0;  // of the newest entry

  TrackStats stats_;
};

}  // namespace parley::recorder
