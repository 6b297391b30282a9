#include "transport/rtp/rtp_sender.hpp"

#include "transport/base/check.hpp"
#include "transport/base/ids.hpp"
#include "transport/rtp/rtp_clock.hpp"

namespace parley::rtp {
namespace {

constexpr std::uint32_t kMediaClock = 48'000;

// Below 2^15, so that a receiver which loses the first packets cannot mistake on which side of a wrap the
// stream began: SRTP's rollover counter depends on it (RFC 3711 section 3.3.1).
std::uint16_t random_first_sequence() {
  return static_cast<std::uint16_t>(random_u32() & 0x7fffU);
}

}  // namespace

RtpSender::RtpSender(std::uint32_t ssrc, std::uint8_t payload_type, std::uint32_t clock_rate)
    : RtpSender(ssrc, payload_type, clock_rate, random_first_sequence(), random_u32()) {}

RtpSender::RtpSender(std::uint32_t ssrc, std::uint8_t payload_type, std::uint32_t clock_rate,
                     std::uint16_t first_sequence, std::uint32_t timestamp_offset)
    : ssrc_(ssrc),
      payload_type_(payload_type),
      clock_rate_(clock_rate),
      timestamp_offset_(timestamp_offset),
      first_(first_sequence),
      next_(first_sequence),
      last_timestamp_(timestamp_offset) {
  PARLEY_ASSERT(clock_rate > 0 && kMediaClock % clock_rate == 0);
}

RtpHeader RtpSender::next(std::uint64_t media_time_48k, std::uint16_t holes_before, bool marker) {
  if (started_ && holes_before > 0) {
    next_ += holes_before;
    holes_.add(next_, holes_before);
  }
  started_ = true;
  last_timestamp_ = timestamp_for(media_time_48k);

  RtpHeader header;
  header.marker = marker;
  header.payload_type = payload_type_;
  header.sequence = static_cast<std::uint16_t>(next_);
  header.timestamp = last_timestamp_;
  header.ssrc = ssrc_;
  ++next_;
  return header;
}

void RtpSender::count_sent(TimePoint at, std::size_t payload_size) {
  last_sent_ = at;
  ++packets_;
  octets_ += payload_size;
}

std::uint32_t RtpSender::timestamp_at(TimePoint at) const {
  if (packets_ == 0) return last_timestamp_;
  return last_timestamp_ + static_cast<std::uint32_t>(rtp_units(at - last_sent_, clock_rate_));
}

std::uint32_t RtpSender::timestamp_for(std::uint64_t media_time_48k) const {
  return timestamp_offset_ + static_cast<std::uint32_t>(media_time_48k / (kMediaClock / clock_rate_));
}

}  // namespace parley::rtp
