#include "transport/rtp/rtp_receiver.hpp"

#include <algorithm>
#include <cstdlib>

#include "transport/rtp/rtp_clock.hpp"

namespace parley::rtp {
namespace {

constexpr std::int64_t kMaxCumulative = 0x7fffff;  // 24 bits, signed
constexpr std::int64_t kMinCumulative = -0x800000;

// A transit time that changes by more is a sender's new timeline, not jitter.
constexpr Duration kNewTimeline = 5s;

}  // namespace

RtpReceiver::Verdict RtpReceiver::receive(TimePoint at, const RtpHeader& header) {
  if (!started_ || header.ssrc != ssrc_) start_stream(header);

  std::int64_t ahead = distance_to(header.sequence);
  if (ahead > kMaxDropout || ahead <= -static_cast<std::int64_t>(kWindow)) {
    // Appendix A.1: a lone wild number is refused, two in a row mean that the sender started anew.
    if (confirming_ != header.sequence) {
      confirming_ = static_cast<std::uint16_t>(header.sequence + 1);
      ++strays_;
      return Verdict::stray;
    }
    ++resyncs_;
    start_stream(header);
    ahead = 0;
  }
  confirming_.reset();

  const std::int64_t sequence = highest_ + ahead;
  advance_to(sequence);
  const std::size_t bit = window_bit(sequence);
  if (window_.test(bit)) {
    ++duplicates_;
    return Verdict::duplicate;
  }
  window_.set(bit);
  base_ = std::min(base_, sequence);  // the first packets may have swapped places
  ++unique_;
  update_jitter(at, header.timestamp);
  return Verdict::accepted;
}

std::int64_t RtpReceiver::distance_to(std::uint16_t sequence) const {
  return static_cast<std::int16_t>(sequence - static_cast<std::uint16_t>(highest_));
}

// Extended sequence numbers reach below zero when the first packets of a stream come in the wrong order.
std::size_t RtpReceiver::window_bit(std::int64_t sequence) {
  return static_cast<std::size_t>(static_cast<std::uint64_t>(sequence) % kWindow);
}

void RtpReceiver::start_stream(const RtpHeader& header) {
  if (started_) {
    if (header.ssrc != ssrc_) ++ssrc_changes_;
    packets_before_ += static_cast<std::uint64_t>(unique_);
    duplicates_before_ += static_cast<std::uint64_t>(duplicates_);
    lost_before_ += lost_of_stream();
  }
  started_ = true;
  ssrc_ = header.ssrc;
  base_ = highest_ = header.sequence;
  unique_ = duplicates_ = 0;
  window_.reset();
  confirming_.reset();
  prior_ = {};
  transit_known_ = false;
  jitter_q4_ = 0;
}

void RtpReceiver::advance_to(std::int64_t sequence) {
  if (sequence <= highest_) return;
  if (sequence - highest_ >= static_cast<std::int64_t>(kWindow)) {
    window_.reset();
  } else {
    for (std::int64_t s = highest_ + 1; s <= sequence; ++s) window_.reset(window_bit(s));
  }
  highest_ = sequence;
}

void RtpReceiver::update_jitter(TimePoint at, std::uint32_t timestamp) {
  if (!transit_known_) epoch_ = at;
  const std::int64_t arrival = rtp_units(at - epoch_, clock_rate_);
  const auto spacing = static_cast<std::int32_t>(timestamp - last_timestamp_);
  const std::int64_t change = std::abs(arrival - last_arrival_ - spacing);
  last_timestamp_ = timestamp;
  last_arrival_ = arrival;
  if (transit_known_ && change <= rtp_units(kNewTimeline, clock_rate_))
    jitter_q4_ += change - ((jitter_q4_ + 8) >> 4);
  transit_known_ = true;
}

std::uint64_t RtpReceiver::lost_of_stream() const {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(0, expected() - unique_));
}

std::optional<ReceptionReport> RtpReceiver::take_report() {
  if (!started_) return std::nullopt;
  const Counts current{expected(), unique_, unique_ + duplicates_};
  const std::int64_t expected_now = current.expected - prior_.expected;
  const std::int64_t lost_now = expected_now - (current.received - prior_.received);
  const std::int64_t really_lost = expected_now - (current.unique - prior_.unique);
  prior_ = current;
  fraction_lost_ = expected_now > 0 && really_lost > 0
                       ? static_cast<double>(really_lost) / static_cast<double>(expected_now)
                       : 0.0;

  ReceptionReport report;
  report.ssrc = ssrc_;
  if (expected_now > 0 && lost_now > 0)
    report.fraction_lost =
        static_cast<std::uint8_t>(std::min<std::int64_t>(255, lost_now * 256 / expected_now));
  report.cumulative_lost = static_cast<std::int32_t>(
      std::clamp(current.expected - current.received, kMinCumulative, kMaxCumulative));
  report.extended_highest = static_cast<std::uint32_t>(highest_);
  report.jitter = static_cast<std::uint32_t>(jitter_q4_ >> 4);
  return report;
}

ReceptionStats RtpReceiver::stats() const {
  ReceptionStats stats;
  stats.packets = packets_before_ + static_cast<std::uint64_t>(unique_);
  stats.lost = lost_before_ + (started_ ? lost_of_stream() : 0);
  stats.duplicates = duplicates_before_ + static_cast<std::uint64_t>(duplicates_);
  stats.strays = strays_;
  stats.resyncs = resyncs_;
  stats.ssrc_changes = ssrc_changes_;
  stats.fraction_lost = fraction_lost_;
  stats.jitter_ms = static_cast<double>(jitter_q4_) / 16.0 * 1000.0 / clock_rate_;
  return stats;
}

}  // namespace parley::rtp
