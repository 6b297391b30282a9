// Who is heard in a room (design rule 3): decides from RFC 6464 levels, else from DTX and SILK voice bits,
// which legs are worth decoding, with hang-over, at most max_talkers of them, the loudest with hysteresis.
// Decisions are taken when a packet arrives, before it is due, so that no onset is clipped.
//
// Threads: the room's mix thread. Time is an argument. Memory: bounded per leg.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "transport/base/ids.hpp"
#include "transport/base/media_packet.hpp"
#include "transport/base/time.hpp"

namespace parley::media {

struct TalkerConfig {
  int max_talkers = 8;             // 0: all
  Duration hang_over = 400ms;      // a talker stays one this long after its last voice
  Duration look_interval = 400ms;  // sparse look at legs whose voice bit is clear
  Duration false_claim = 200ms;    // a claimed level that decodes to silence for so long loses its claim
  float silence_dbfs = -60.0F;     // decoded level below which a claim is false
};

// A look: some packets that were due are decoded for their level (Receiver::glance), nobody hears them.
enum class Listening : std::uint8_t { skip, look, talker };

class TalkerSelector {
 public:
  explicit TalkerSelector(const TalkerConfig& config);
  ~TalkerSelector();

  void add(LegId leg, Codec codec, bool has_levels);
  void remove(LegId leg);
  void set_muted(LegId leg, bool muted);  // a muted leg is never a talker
  void set_max_talkers(int count);

  void on_packet(LegId leg, const MediaPacket& packet);

  // Once per tick, before the legs are pulled: what to do with each leg (in order of adding).
  struct Choice {
    LegId leg;
    Listening listening;
  };
  std::span<const Choice> choose(TimePoint at);

  // After a leg was pulled as talker or look: its decoded level (RMS of the tick, dBFS, after gain 0).
  // Corrects false claims, judges looks, feeds the loudness order and the talking state of legs without
  // levels. `delay`: how long ago this audio arrived (the receiver's present delay), so that silence is not
  // held against a claim still to be played.
  void on_decoded(LegId leg, TimePoint at, float rms_dbfs, Duration delay = {});

  // Talking as people see it (events): with hysteresis over the choice: on after 60 ms of voice, off after
  // 500 ms.
  struct TalkingChange {
    LegId leg;
    bool talking;
    std::uint8_t level;
  };
  // Drains what changed since the last call.
  std::span<const TalkingChange> changes();
  // Who would have been a talker in the last choice, had there been more places.
  std::size_t waiting() const;
  // The leg's packets tell by themselves that it speaks: it need not be decoded to know.
  bool told(LegId leg, TimePoint at) const;
  std::uint8_t level(LegId leg) const;         // smoothed, -dBov, 127 when silent
  std::vector<LegId> active_speakers() const;  // loudest first

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace parley::media
