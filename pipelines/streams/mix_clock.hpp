// Makes an unbroken stream of the room's mix: one Opus packet for each tick, whatever the tap delivers.
//
// The mix of a silent room has gaps (DTX), a room without people says nothing at all, a full queue loses
// packets, and a room's pipeline may be replaced by a new one. Containers and players want none of that: gaps
// collapse in Ogg, and a live encoder that is not fed falls behind. So each missing tick is filled with a
// packet of one byte, the TOC alone, which a decoder takes for "nothing new" (RFC 6716 section 3.2.1,
// RFC 7587 section 3.1.3) and continues with background noise or silence.
//
// A packet's place is the tick it was made in, never the moment at which it was fetched, and whether a tick
// has a packet at all is told by the mix thread, not guessed: once the room has passed a tick, what is
// missing is missing. So however late the threads of a loaded machine run, the stream comes out the same,
// only later.
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
  // A room that has passed no tick for so long has stopped (its media are gone, or the machine was asleep):
  // then the clock on the wall drives the stream, this much behind, until the room goes on.
  static constexpr Duration kPatience = 1s;
  static constexpr std::size_t kMaxWaiting = 512;

  MixClock(Duration tick, TimePoint start);

  // In the order of the tap. `tick`: the deadline of the tick that made the packet.
  void push(TimePoint tick, Bytes packet);
  // Gives every frame that is due. `passed`: the room's last tick of which all packets have been pushed.
  void step(TimePoint at, TimePoint passed, const std::function<void(const MixFrame&)>& give);

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
  std::int64_t position_of(TimePoint tick) const;

  const Duration tick_;
  const std::uint32_t tick_samples_;
  const TimePoint start_;  // of position 0
  std::uint64_t position_ = 0;
  std::uint8_t toc_;
  std::deque<Waiting> waiting_;
  std::uint64_t filled_ = 0, late_ = 0;
};

}  // namespace parley::streams
