// Reception statistics of one remote stream: RFC 3550 appendix A.1 (sequence numbers), A.3 (loss), A.8
// (jitter).
//
// Only packets that passed authentication may be told to an RtpReceiver: they move its state.
// Threads: the leg's owner.
#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "transport/base/time.hpp"
#include "transport/rtp/rtp_packet.hpp"

namespace parley::rtp {

// The numbers of a report block that reception knows (RFC 3550 section 6.4.1).
struct ReceptionReport {
  std::uint32_t ssrc = 0;
  std::uint8_t fraction_lost = 0;      // 1/256, since the last report
  std::int32_t cumulative_lost = 0;    // 24 bits, signed: duplicates count as received
  std::uint32_t extended_highest = 0;  // sequence number with cycles
  std::uint32_t jitter = 0;            // RTP units
};

struct ReceptionStats {
  std::uint64_t packets = 0;  // without duplicates
  std::uint64_t lost = 0;     // never negative: duplicates are not counted as received
  std::uint64_t duplicates = 0;
  std::uint64_t strays = 0;   // refused: sequence number far away from the stream
  std::uint64_t resyncs = 0;  // the stream went on at a sequence number far away
  std::uint64_t ssrc_changes = 0;
  double fraction_lost = 0;  // 0 to 1, of the last report interval, duplicates not counted
  double jitter_ms = 0;
};

class RtpReceiver {
 public:
  enum class Verdict : std::uint8_t {
    accepted,
    duplicate,  // seen before: not to be played again
    stray,      // a jump of the sequence number that the next packet has to confirm
  };

  explicit RtpReceiver(std::uint32_t clock_rate) : clock_rate_(clock_rate) {}

  // A packet with a new SSRC starts the statistics of a new stream (SsrcPolicy has let it through).
  Verdict receive(TimePoint at, const RtpHeader& header);

  std::optional<std::uint32_t> ssrc() const { return started_ ? std::optional(ssrc_) : std::nullopt; }
  std::uint32_t clock_rate() const { return clock_rate_; }

  // The report block's numbers as of now; ends the interval of the fraction. Nothing before the first packet.
  std::optional<ReceptionReport> take_report();

  // Over the life of the leg, SSRC changes and resynchronisations included.
  ReceptionStats stats() const;

 private:
  static constexpr std::int64_t kMaxDropout = 3000;  // RFC 3550 appendix A.1
  static constexpr std::size_t kWindow = 128;        // as far back duplicates are known

  struct Counts {
    std::int64_t expected = 0;
    std::int64_t unique = 0;
    std::int64_t received = 0;  // with duplicates, as RFC 3550 counts
  };

  static std::size_t window_bit(std::int64_t sequence);
  std::int64_t distance_to(std::uint16_t sequence) const;
  void start_stream(const RtpHeader& header);
  void advance_to(std::int64_t sequence);
  void update_jitter(TimePoint at, std::uint32_t timestamp);
  std::int64_t expected() const { return highest_ - base_ + 1; }
  std::uint64_t lost_of_stream() const;

  std::uint32_t clock_rate_;
  bool started_ = false;

  // Of the current stream; sequence numbers are extended.
  std::uint32_t ssrc_ = 0;
  std::int64_t base_ = 0, highest_ = 0;
  std::int64_t unique_ = 0, duplicates_ = 0;
  std::bitset<kWindow> window_;              // bit s % kWindow: s was received
  std::optional<std::uint16_t> confirming_;  // RFC 3550's bad_seq
  Counts prior_;                             // at the last report
  double fraction_lost_ = 0;

  // Jitter, scaled by 16 as in appendix A.8; arrivals count from the stream's first packet.
  bool transit_known_ = false;
  TimePoint epoch_{};
  std::int64_t last_arrival_ = 0;
  std::uint32_t last_timestamp_ = 0;
  std::int64_t jitter_q4_ = 0;

  // Of the streams before, and of all.
  std::uint64_t packets_before_ = 0, lost_before_ = 0, duplicates_before_ = 0;
  std::uint64_t strays_ = 0, resyncs_ = 0, ssrc_changes_ = 0;
};

}  // namespace parley::rtp
