#include "transport/rtcp/rtcp_session.hpp"

#include <algorithm>

#include "transport/base/check.hpp"
#include "transport/rtcp/bye.hpp"
#include "transport/rtcp/compound.hpp"
#include "transport/rtcp/receiver_report.hpp"
#include "transport/rtcp/sdes.hpp"
#include "transport/rtcp/sender_report.hpp"

namespace parley::rtcp {
namespace {

// A peer that claims to have held our report longer than it was away lies, or its clock runs a little fast.
constexpr Duration kRoundTripSlack = 10ms;

std::uint32_t in_65536ths(Duration duration) {
  const double units = std::clamp(to_seconds(duration) * 65536.0, 0.0, 4294967295.0);
  return static_cast<std::uint32_t>(units);
}

Duration from_65536ths(std::uint32_t units) {
  return Duration((static_cast<std::int64_t>(units) * 1'000'000'000) >> 16);
}

// Every report and goodbye in it can be read.
bool well_formed(Compound compound) {
  while (const auto packet = compound.next()) {
    if (packet->is(PacketType::sender_report) && !parse_sender_report(*packet)) return false;
    if (packet->is(PacketType::receiver_report) && !parse_receiver_report(*packet)) return false;
    if (packet->is(PacketType::goodbye) && !parse_bye(*packet)) return false;
  }
  return true;
}

}  // namespace

RtcpSession::RtcpSession(std::string cname, const rtp::RtpSender& sender, rtp::RtpReceiver& receiver,
                         TimePoint start, std::uint32_t seed)
    : cname_(std::move(cname)), sender_(sender), receiver_(receiver), random_(seed == 0 ? 1 : seed) {
  schedule(start, 0.5);  // the first interval is halved (RFC 3550 section 6.2)
}

void RtcpSession::schedule(TimePoint at, double scale) {
  random_ ^= random_ << 13;
  random_ ^= random_ >> 17;
  random_ ^= random_ << 5;
  const double factor = 0.5 + random_ / 4294967296.0;
  next_ = at + std::chrono::duration_cast<Duration>(kInterval * (factor * scale));
}

std::size_t RtcpSession::write_report(TimePoint at, std::uint64_t ntp, std::span<std::uint8_t> out) {
  ByteWriter writer(out);
  write_reports(at, ntp, writer);
  schedule(at, 1.0);
  return writer.ok() ? writer.size() : 0;
}

std::size_t RtcpSession::write_bye(TimePoint at, std::uint64_t ntp, std::span<std::uint8_t> out,
                                   std::string_view reason) {
  ByteWriter writer(out);
  write_reports(at, ntp, writer);
  rtcp::write_bye(writer, sender_.ssrc(), reason);
  return writer.ok() ? writer.size() : 0;
}

void RtcpSession::write_reports(TimePoint at, std::uint64_t ntp, ByteWriter& writer) {
  const auto block = block_on_remote(at);
  const std::span<const ReportBlock> blocks(block ? &*block : nullptr, block ? 1 : 0);
  const std::uint64_t packets = sender_.packets();
  if (packets > packets_at_report_[0]) {
    write_sender_report(writer,
                        {sender_.ssrc(), ntp, sender_.timestamp_at(at), static_cast<std::uint32_t>(packets),
                         static_cast<std::uint32_t>(sender_.octets())},
                        blocks);
    sent_[sent_count_++ % kSentReports] = {middle_of_ntp(ntp), at};
  } else {
    write_receiver_report(writer, sender_.ssrc(), blocks);
  }
  packets_at_report_ = {packets_at_report_[1], packets};
  write_sdes(writer, sender_.ssrc(), cname_);
}

std::optional<ReportBlock> RtcpSession::block_on_remote(TimePoint at) {
  const auto reception = receiver_.take_report();
  if (!reception) return std::nullopt;
  ReportBlock block;
  block.ssrc = reception->ssrc;
  block.fraction_lost = reception->fraction_lost;
  block.cumulative_lost = reception->cumulative_lost;
  block.extended_highest = reception->extended_highest;
  block.jitter = reception->jitter;
  if (last_sr_ && last_sr_->ssrc == reception->ssrc) {
    block.last_sr = last_sr_->middle_ntp;
    block.delay_since_last_sr = in_65536ths(at - last_sr_->at);
  }
  return block;
}

RtcpSession::Heard RtcpSession::receive(TimePoint at, Bytes datagram) {
  auto compound = Compound::parse(datagram);
  if (!compound || !well_formed(*compound)) return Heard::malformed;

  auto heard = Heard::report;
  while (const auto packet = compound->next()) {
    if (const auto sr = parse_sender_report(*packet)) {
      heard_sender_report(at, sr->sender.ssrc, sr->sender.ntp);
      heard_blocks(at, sr->sender.ssrc, sr->blocks);
    } else if (const auto rr = parse_receiver_report(*packet)) {
      heard_blocks(at, rr->ssrc, rr->blocks);
    } else if (const auto remote = remote_ssrc()) {
      if (const auto cname = find_cname(*packet, *remote); cname && remote_cname_ != *cname)
        remote_cname_ = *cname;
      if (const auto bye = parse_bye(*packet); bye && bye->names(*remote)) heard = Heard::bye;
    }
  }
  return heard;
}

// Until RTP has come (a listener that never speaks), the peer is who its reports say it is.
std::optional<std::uint32_t> RtcpSession::remote_ssrc() const {
  const auto ssrc = receiver_.ssrc();
  return ssrc ? ssrc : reporter_;
}

void RtcpSession::heard_sender_report(TimePoint at, std::uint32_t ssrc, std::uint64_t ntp) {
  if (receiver_.ssrc().value_or(ssrc) == ssrc) last_sr_ = RemoteSenderReport{ssrc, middle_of_ntp(ntp), at};
}

void RtcpSession::heard_blocks(TimePoint at, std::uint32_t reporter, const ReportBlocks& blocks) {
  reporter_ = reporter;
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const ReportBlock block = blocks[i];
    if (block.ssrc != sender_.ssrc()) continue;
    measure_round_trip(at, block);
    measure_loss(at, reporter, block);
    return;  // one block per stream (RFC 3550 section 6.4)
  }
}

void RtcpSession::measure_round_trip(TimePoint at, const ReportBlock& block) {
  if (block.last_sr == 0) return;
  const std::uint64_t kept = std::min<std::uint64_t>(sent_count_, kSentReports);
  for (std::uint64_t back = 1; back <= kept; ++back) {
    const SentReport& sent = sent_[(sent_count_ - back) % kSentReports];
    if (sent.middle_ntp != block.last_sr) continue;
    const Duration trip = at - sent.at - from_65536ths(block.delay_since_last_sr);
    if (trip >= -kRoundTripSlack) round_trip_ = std::max(trip, Duration{0});
    return;
  }
}

// The peer's cycles need not be ours: its number is taken as the newest of ours with the same low 16 bits.
std::optional<std::int64_t> RtcpSession::own_sequence(std::uint32_t reported) const {
  const std::int64_t last = sender_.last_sequence();
  const auto behind = static_cast<std::uint16_t>(last - reported);
  const std::int64_t sequence = last - behind;
  if (sequence < sender_.first_sequence()) return std::nullopt;  // never sent
  return sequence;
}

// Between two reports the difference of the cumulative counts is taken, not the fraction: it also covers the
// reports that were lost in between, and the holes of just that interval can be taken off.
void RtcpSession::measure_loss(TimePoint at, std::uint32_t reporter, const ReportBlock& block) {
  const auto highest = own_sequence(block.extended_highest);
  if (!highest) return;
  const PeerCount now{reporter, *highest, block.cumulative_lost,
                      static_cast<std::int64_t>(sender_.holes().count_through(*highest))};
  double expected = 0;
  double lost = 0;
  if (peer_ && peer_->reporter == reporter && now.highest >= peer_->highest) {
    const std::int64_t holes = now.holes - peer_->holes;
    expected = static_cast<double>(now.highest - peer_->highest - holes);
    lost = static_cast<double>(now.cumulative - peer_->cumulative - holes);
  } else {
    const auto span = static_cast<double>(now.highest - sender_.first_sequence() + 1);
    const auto holes = static_cast<double>(now.holes);
    expected = span - holes;
    lost = span * block.fraction_lost / 256.0 - holes;
  }
  peer_ = now;

  RemoteReception reception;
  reception.fraction_lost = expected > 0 ? std::clamp(lost / expected, 0.0, 1.0) : 0.0;
  reception.lost = static_cast<std::uint64_t>(std::max<std::int64_t>(0, now.cumulative - now.holes));
  reception.jitter_ms = block.jitter * 1000.0 / sender_.clock_rate();
  reception.at = at;
  remote_ = reception;
}

}  // namespace parley::rtcp
