// Makes an unbroken stream of the room's mix: one Opus packet for each tick, whatever the tap delivers.
//
// The mix of a silent room has gaps (DTX), a room without people says nothing at all, a full queue loses
// packets, and a room's pipeline may be replaced by a new one whose media time starts again. Containers and
// players want none of that: gaps collapse in Ogg, and a live encoder that is not fed falls behind. So each
// missing tick is filled with a packet of one byte, the TOC alone, which a decoder takes for "nothing new"
// (RFC 6716 section 3.2.1, RFC 7587 section 3.1.3) and continues with background noise or silence.
//
// Pure, time passed in. Threads: one owner. Memory: at most kMaxWaiting packets.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>

#include "transport/base/bytes.hpp"
#include "transport/base/time.hpp"

namespace parley::streams {

struct MixFrame {
  std::uint64_t position = 0;  // 48 kHz samples since the stream began; gapless
  std::uint32_t samples = 0;   // of this packet
  Bytes packet;                // Opus; valid during the call
  bool filler = false;
};

class MixClock {
 public:
  // How long a tick is waited for. The mix thread hands packets over within a tick; this is for a machine
  // that stalls.
  static constexpr Duration kPatience = 200ms;
  static constexpr Duration kJump = 2s;  // media time that leaps further has started anew
  static constexpr std::size_t kMaxWaiting = 512;

  MixClock(Duration tick, TimePoint start);

  // In the order of the tap. `media_time` in 48 kHz samples of the room.
  void push(std::uint64_t media_time, Bytes packet, TimePoint at);
  // Gives every frame that is due.
  void step(TimePoint at, const std::function<void(const MixFrame&)>& give);

  std::uint64_t position() const { return position_; }
  std::uint64_t filled() const { return filled_; }  // fillers given
  std::uint64_t late() const { return late_; }      // packets that came after their filler, and were dropped

 private:
  struct Waiting {
    std::int64_t position = 0;  // may lie before position_: late
    std::uint32_t samples = 0;
    ByteBuffer packet;
  };
  void give_filler(const std::function<void(const MixFrame&)>& give);
  std::int64_t position_at(TimePoint at) const;

  const std::uint32_t tick_samples_;
  TimePoint start_;  // of position 0
  bool anchored_ = false;
  std::int64_t offset_ = 0;  // position = media time + offset
  std::uint64_t position_ = 0;
  std::uint8_t toc_;
  std::deque<Waiting> waiting_;
  std::uint64_t filled_ = 0, late_ = 0;
};

}  // namespace parley::streams
