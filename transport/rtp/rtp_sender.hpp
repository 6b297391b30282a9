// The sending state of one RTP stream: sequence numbers, timestamps, and the counters of its sender reports.
//
// Threads: the leg's owner. Time: media time is the tick's clock in 48 kHz samples, whatever the codec.
#pragma once

#include <cstddef>
#include <cstdint>

#include "transport/base/time.hpp"
#include "transport/rtp/hole_log.hpp"
#include "transport/rtp/rtp_packet.hpp"

namespace parley::rtp {

class RtpSender {
 public:
  // First sequence number and timestamp offset are random (RFC 3550 section 5.1). `clock_rate` divides 48000.
  RtpSender(std::uint32_t ssrc, std::uint8_t payload_type, std::uint32_t clock_rate);
  RtpSender(std::uint32_t ssrc, std::uint8_t payload_type, std::uint32_t clock_rate,
            std::uint16_t first_sequence, std::uint32_t timestamp_offset);

  // The header of the next packet, `holes_before` sequence numbers behind the last one. Before the first
  // packet holes mean nothing and are not counted.
  RtpHeader next(std::uint64_t media_time_48k, std::uint16_t holes_before, bool marker);
  // The packet of the last next() has left.
  void count_sent(TimePoint at, std::size_t payload_size);

  std::uint32_t ssrc() const { return ssrc_; }
  std::uint32_t clock_rate() const { return clock_rate_; }
  std::uint64_t packets() const { return packets_; }
  std::uint64_t octets() const { return octets_; }  // payload only (RFC 3550 section 6.4.1)
  // The timestamp that belongs to `at`: the last packet's, moved on by the time since then. For SR.
  std::uint32_t timestamp_at(TimePoint at) const;

  std::uint32_t timestamp_for(std::uint64_t media_time_48k) const;
  std::int64_t first_sequence() const { return first_; }
  // Extended (unwrapped) number of the last packet; first_sequence() - 1 before the first one.
  std::int64_t last_sequence() const { return next_ - 1; }
  const HoleLog& holes() const { return holes_; }

 private:
  std::uint32_t ssrc_;
  std::uint8_t payload_type_;
  std::uint32_t clock_rate_;
  std::uint32_t timestamp_offset_;
  std::int64_t first_;
  std::int64_t next_;
  bool started_ = false;

  std::uint32_t last_timestamp_;
  TimePoint last_sent_{};
  std::uint64_t packets_ = 0;
  std::uint64_t octets_ = 0;
  HoleLog holes_;
};

}  // namespace parley::rtp
