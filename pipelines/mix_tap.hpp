// The full mix of a room for somebody inside the server: the recorder, a stream to the outside. A consumer
// stands behind a hidden listener, which gets what any listener without a voice of its own gets: the Opus
// packets of the room's shared mix class. It costs an encode only while nobody else listens to that class,
// and any number of consumers of one room share it.
//
// What comes is what goes to a listener: one packet for each tick (config.tick) while somebody is heard. In
// silence the encoder's fade, then one packet of 1 or 2 bytes, then one every 400 ms; and while exactly one
// talks, that talker's own packets verbatim, with its losses as holes. So media_time may jump: who needs a
// continuous stream fills up to it (a packet of one byte, the TOC of the last one with code 0, makes a
// decoder do what a live one does).
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>

#include "transport/base/byte_ring.hpp"
#include "transport/base/time.hpp"

namespace parley::pipelines {

struct MixFrame {
  std::uint64_t media_time = 0;  // of its first sample: 48 kHz samples since the room's media began
  TimePoint at{};                // the tick at which it left
  TimePoint spoken{};            // when it was said, as far as the receivers' delays tell
  std::uint32_t size = 0;        // bytes of the packet
  std::uint16_t lost = 0;        // packets of a forwarded talker that are missing before this one
  bool quiet = false;            // nobody is in it
};

class MixConsumer {
 public:
  virtual ~MixConsumer() = default;
  // On the room's mix thread, inside its tick: must not block. `packet` is valid during the call only.
  virtual void on_mix(const MixFrame& frame, Bytes packet) noexcept = 0;
  // On the mix thread, behind the packets of each tick, with or without any: nothing more comes of this
  // deadline and those before it.
  virtual void on_tick(TimePoint /*deadline*/) noexcept {}
  // On the mix thread: nothing comes any more, the tap was removed or its room closed.
  virtual void on_mix_end() noexcept {}
};

// A consumer that hands the packets to one other thread, in order. A full queue drops and counts.
class MixQueue final : public MixConsumer {
 public:
  // 64 KiB hold at least 5 s of a mix at 64 kbit/s. `wake`, if given, runs on the mix thread after a packet
  // or the end has been put in: it must not block.
  explicit MixQueue(std::size_t bytes = 64U << 10U, std::function<void()> wake = {});

  void on_mix(const MixFrame& frame, Bytes packet) noexcept override;
  void on_tick(TimePoint deadline) noexcept override;
  void on_mix_end() noexcept override;

  // The consumer's thread. Takes the oldest packet; false when there is none now.
  bool pop(MixFrame& frame, ByteBuffer& packet);
  // The room's last tick of which everything is in the queue. Asked before the queue is emptied, it tells up
  // to where what was taken out is complete.
  TimePoint passed() const { return TimePoint(Duration(passed_.load(std::memory_order_acquire))); }
  // Nothing will come behind what is in the queue.
  bool ended() const { return ended_.load(std::memory_order_acquire); }

  std::uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }  // any thread

 private:
  ByteRing<MixFrame> ring_;
  const std::function<void()> wake_;
  std::atomic<bool> ended_{false};
  std::atomic<Duration::rep> passed_{TimePoint::min().time_since_epoch().count()};
  std::atomic<std::uint64_t> dropped_{0};
};

}  // namespace parley::pipelines
