// Puts the packets of one leg on an endless internal time line: 64-bit sequence numbers and media times that
// neither wrap nor jump, whatever the sender does with its SSRC, sequence numbers and timestamps (RFC 3550
// section 5.1 and appendix A.1). Where the sender's timestamps break off, the new ones are joined to the old,
// so that what plays notices nothing.
#pragma once

#include <cstdint>
#include <optional>

#include "transport/base/media_packet.hpp"
#include "transport/base/unwrap.hpp"

namespace parley::media {

class RtpTimeline {
 public:
  explicit RtpTimeline(std::uint32_t rate) : rate_(rate) {}

  enum class Verdict : std::uint8_t {
    follows,    // on the time line as it is
    rejoined,   // the sender's timestamps jumped; joined on
    restarted,  // another stream: all that is stored is of the past
    stray,      // far outside, alone so far: to be dropped
  };
  struct Placed {
    Verdict verdict = Verdict::stray;
    std::int64_t sequence = 0;
    std::int64_t timestamp = 0;
  };
  // `samples`: the packet's duration. `base`: arrival minus media time of the fastest packets, when known; it
  // tells a pause (the timestamp fits the clock) from a jump.
  Placed place(const MediaPacket& packet, std::int64_t samples, std::optional<Duration> base);

  Duration media_time(std::int64_t timestamp) const;
  void reset() { *this = RtpTimeline(rate_); }

 private:
  struct Position {
    std::int64_t sequence = 0;
    std::int64_t timestamp = 0;
  };
  Position position(const MediaPacket& packet) const;
  bool fits(const MediaPacket& packet, Position at, std::optional<Duration> base) const;
  Placed start(const MediaPacket& packet, std::int64_t samples);
  Placed accept(const MediaPacket& packet, Position at, std::int64_t samples, Verdict verdict);
  bool is_straggler(const MediaPacket& packet) const;

  std::uint32_t rate_;
  bool started_ = false;
  std::uint32_t ssrc_ = 0;
  std::optional<std::uint32_t> previous_ssrc_;
  TimePoint changed_at_{};
  SequenceUnwrapper sequences_;
  TimestampUnwrapper timestamps_;
  std::int64_t sequence_shift_ = 0;
  std::int64_t timestamp_shift_ = 0;
  std::int64_t newest_sequence_ = 0;
  std::int64_t newest_timestamp_ = 0;
  std::int64_t newest_samples_ = 0;
  std::optional<std::uint16_t> stray_;
};

}  // namespace parley::media
