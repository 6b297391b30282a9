#include "pipelines/media/rtp_timeline.hpp"

namespace parley::media {
namespace {

constexpr std::int64_t kReorder = 128;  // a packet further behind is not late but from elsewhere

}  // namespace

RtpTimeline::Placed RtpTimeline::place(const MediaPacket& packet, std::int64_t samples,
                                       std::optional<Duration> base) {
  if (!started_) return start(packet, samples);
  if (packet.ssrc != ssrc_) {
    if (is_straggler(packet)) return {};
    previous_ssrc_ = ssrc_;
    changed_at_ = packet.arrival;
    return start(packet, samples);
  }
  const Position at = position(packet);
  if (fits(packet, at, base)) return accept(packet, at, samples, Verdict::follows);
  if (at.sequence == newest_sequence_ + 1) {
    const std::int64_t joined = newest_timestamp_ + newest_samples_;
    timestamp_shift_ += joined - at.timestamp;
    return accept(packet, {at.sequence, joined}, samples, Verdict::rejoined);
  }
  if (stray_ && static_cast<std::uint16_t>(*stray_ + 1) == packet.sequence) return start(packet, samples);
  stray_ = packet.sequence;
  return {};
}

bool RtpTimeline::fits(const MediaPacket& packet, Position at, std::optional<Duration> base) const {
  const std::int64_t step = at.sequence - newest_sequence_;
  const std::int64_t media_step = at.timestamp - newest_timestamp_;
  if (step <= -kReorder) return false;
  // A packet cannot begin before the one in front of it has ended.
  if (step > 0 && media_step < newest_samples_) return false;
  if (step > 0 && step < kReorder && media_step == step * newest_samples_) return true;
  if (!base) return false;
  const Duration delay = packet.arrival.time_since_epoch() - media_time(at.timestamp) - *base;
  return delay > -1s && delay < 2s;
}

Duration RtpTimeline::media_time(std::int64_t timestamp) const {
  const auto rate = static_cast<std::int64_t>(rate_);
  return std::chrono::seconds(timestamp / rate) + Duration(timestamp % rate * 1'000'000'000 / rate);
}

RtpTimeline::Position RtpTimeline::position(const MediaPacket& packet) const {
  return {sequences_.peek(packet.sequence) + sequence_shift_,
          timestamps_.peek(packet.timestamp) + timestamp_shift_};
}

RtpTimeline::Placed RtpTimeline::start(const MediaPacket& packet, std::int64_t samples) {
  // The new stream's numbers begin well behind the old one's, so that no old number is ever mistaken for a
  // new one.
  const std::int64_t sequence = started_ ? newest_sequence_ + 1'000 : 1'000;
  const std::int64_t timestamp = started_ ? newest_timestamp_ + newest_samples_ : 0;
  started_ = true;
  ssrc_ = packet.ssrc;
  stray_.reset();
  sequences_.reset();
  timestamps_.reset();
  sequence_shift_ = sequence - packet.sequence;
  timestamp_shift_ = timestamp - packet.timestamp;
  newest_sequence_ = sequence - 1;
  return accept(packet, {sequence, timestamp}, samples, Verdict::restarted);
}

RtpTimeline::Placed RtpTimeline::accept(const MediaPacket& packet, Position at, std::int64_t samples,
                                        Verdict verdict) {
  sequences_.unwrap(packet.sequence);
  timestamps_.unwrap(packet.timestamp);
  stray_.reset();
  if (at.sequence > newest_sequence_) {
    newest_sequence_ = at.sequence;
    newest_timestamp_ = at.timestamp;
    newest_samples_ = samples;
  }
  return {verdict, at.sequence, at.timestamp};
}

// The last packets of a stream may come after the first of the next one: no reason to change back.
bool RtpTimeline::is_straggler(const MediaPacket& packet) const {
  return previous_ssrc_ && packet.ssrc == *previous_ssrc_ && packet.arrival - changed_at_ < 200ms;
}

}  // namespace parley::media
