// The RTCP side of one leg: when to report (RFC 3550 section 6.2), what to report, and what the peer's
// reports say about our stream.
//
// Pure: packets, time and the wall clock come in by arguments. `ntp` is the wall clock of the same moment as
// `at` (parley::ntp_now()). It only goes into our sender reports: round trips are measured on the monotonic
// clock, so that a step of the wall clock spoils nothing.
// Threads: the leg's owner.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "transport/base/time.hpp"
#include "transport/rtcp/report_block.hpp"
#include "transport/rtp/rtp_receiver.hpp"
#include "transport/rtp/rtp_sender.hpp"

namespace parley::rtcp {

// What the peer says of our stream; the holes we made on purpose are taken off.
struct RemoteReception {
  double fraction_lost = 0;  // 0 to 1, between the peer's last two reports
  std::uint64_t lost = 0;    // since the stream began
  double jitter_ms = 0;
  TimePoint at{};  // when the newest report came
};

class RtcpSession {
 public:
  static constexpr std::size_t kMaxCompound = 600;  // one block, the longest name and reason
  static constexpr Duration kInterval = 1s;         // the mean; each one is drawn from 0.5 to 1.5 of it

  enum class Heard : std::uint8_t {
    malformed,  // a report or goodbye in it does not parse: nothing of it was used
    report,     // or anything else that needs no action
    bye,        // of the leg's own stream
  };

  // `sender` and `receiver` must outlive the session. `seed` feeds the random intervals.
  RtcpSession(std::string cname, const rtp::RtpSender& sender, rtp::RtpReceiver& receiver, TimePoint start,
              std::uint32_t seed);

  TimePoint next_report() const { return next_; }
  // The compound that is due: SR (or RR if nothing was sent lately) and SDES. Draws the next interval.
  // Returns its size; `out` needs kMaxCompound bytes.
  std::size_t write_report(TimePoint at, std::uint64_t ntp, std::span<std::uint8_t> out);
  // A last report with BYE.
  std::size_t write_bye(TimePoint at, std::uint64_t ntp, std::span<std::uint8_t> out,
                        std::string_view reason = {});

  // A compound that has passed authentication.
  Heard receive(TimePoint at, Bytes compound);

  const std::optional<RemoteReception>& remote() const { return remote_; }
  std::optional<Duration> round_trip() const { return round_trip_; }
  const std::string& remote_cname() const { return remote_cname_; }  // empty: not known; the peer's text

 private:
  struct SentReport {
    std::uint32_t middle_ntp = 0;
    TimePoint at{};
  };
  struct RemoteSenderReport {
    std::uint32_t ssrc = 0;
    std::uint32_t middle_ntp = 0;
    TimePoint at{};
  };
  struct PeerCount {  // what one report of the peer said; sequence numbers are ours, extended
    std::uint32_t reporter = 0;
    std::int64_t highest = 0;
    std::int64_t cumulative = 0;
    std::int64_t holes = 0;  // of ours, up to `highest`
  };

  void schedule(TimePoint at, double scale);
  void write_reports(TimePoint at, std::uint64_t ntp, ByteWriter& writer);
  std::optional<ReportBlock> block_on_remote(TimePoint at);

  void heard_sender_report(TimePoint at, std::uint32_t ssrc, std::uint64_t ntp);
  void heard_blocks(TimePoint at, std::uint32_t reporter, const ReportBlocks& blocks);
  void measure_round_trip(TimePoint at, const ReportBlock& block);
  void measure_loss(TimePoint at, std::uint32_t reporter, const ReportBlock& block);
  std::optional<std::int64_t> own_sequence(std::uint32_t reported) const;
  std::optional<std::uint32_t> remote_ssrc() const;

  std::string cname_;
  const rtp::RtpSender& sender_;
  rtp::RtpReceiver& receiver_;
  std::uint32_t random_;
  TimePoint next_{};

  // Sent. RFC 3550 section 6.4: who has sent nothing since the report before the last one sends RR.
  static constexpr std::size_t kSentReports = 32;
  std::array<SentReport, kSentReports> sent_{};
  std::uint64_t sent_count_ = 0;
  std::array<std::uint64_t, 2> packets_at_report_{};

  // Heard.
  std::optional<std::uint32_t> reporter_;
  std::optional<RemoteSenderReport> last_sr_;
  std::optional<PeerCount> peer_;
  std::optional<RemoteReception> remote_;
  std::optional<Duration> round_trip_;
  std::string remote_cname_;
};

}  // namespace parley::rtcp
