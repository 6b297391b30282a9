// RTP and RTCP of a leg, in and out.
#include <algorithm>
#include <array>

#include "transport/base/bytes.hpp"
#include "transport/leg/leg_impl.hpp"
#include "transport/net/udp_socket.hpp"
#include "transport/rtp/header_extensions.hpp"
#include "transport/rtp/rtp_packet.hpp"

namespace parley {
namespace {

// So many packets by another carrier, and SRTP's roll-over counter may have moved on unseen.
constexpr std::uint64_t kUnseen = 8'192;

std::uint32_t read_u32(Bytes data, std::size_t at) {
  ByteReader reader(data);
  reader.take(at);
  return reader.u32();
}

}  // namespace

bool Leg::Impl::receive_carried(TimePoint at, Bytes packet) {
  // A client may still get what the server had sent before it heard of a change; what a client sends and what
  // it asks for come in order.
  const bool open = carried() || (client_ && was_carried_);
  if (ended_ || !open || packet.size() > kMaxCarriedPacket ||
      net::classify(packet) != net::PacketKind::rtp_or_rtcp)
    return refuse();
  if (net::is_rtcp(packet)) {
    const auto heard = rtcp_.receive(at, packet);
    if (heard == rtcp::RtcpSession::Heard::malformed) return refuse();
    last_heard_ = at;
    if (heard == rtcp::RtcpSession::Heard::bye) end(LegEnd::bye);
    return true;
  }
  if (!welcome_rtp(at, packet) || !take_rtp(at, packet, packet.size())) return refuse();
  ++carried_since_srtp_;
  last_heard_ = at;
  return true;
}

bool Leg::Impl::path_allowed(const Address& from, std::uint32_t ssrc, bool rtcp) const {
  if (config_.encrypted) return lite_ ? lite_->validated(from) : client_->validated(from);
  if (from.ip != config_.remote->ip) return false;
  if (plain_source_ && from == *plain_source_) return true;
  if (config_.remote_ssrc && ssrc == *config_.remote_ssrc) return rtcp || !plain_source_;
  return from.port == config_.remote->port || (rtcp && config_.rtcp_remote && from == *config_.rtcp_remote);
}

void Leg::Impl::authenticated(TimePoint at, const Address& from) {
  last_heard_ = at;
  udp_heard_ = at;
  if (lite_) lite_->heard(at, from);
}

// The cheap checks come first: nothing unwelcome reaches the cipher, let alone makes state in it.
bool Leg::Impl::welcome_rtp(TimePoint at, Bytes packet) const {
  return packet.size() >= rtp::kFixedHeaderSize && packet.size() <= kBuffer &&
         (packet[1] & 0x7fU) == config_.payload_type && ssrcs_.admit(at, read_u32(packet, 8));
}

// SRTP counts the sequence number's roll-overs by what it sees (RFC 3711 section 3.3.1). After a long time on
// another carrier it has to be told.
void Leg::Impl::follow_roll_over(std::uint32_t ssrc, std::uint16_t sequence) {
  if (carried_since_srtp_ < kUnseen || sequences_of_ != ssrc) return;
  const auto rolled = (sequences_.peek(sequence) >> 16) - (last_by_srtp_ >> 16);
  srtp_->advance_roll_over(ssrc, static_cast<std::uint32_t>(std::max<std::int64_t>(rolled, 0)));
}

bool Leg::Impl::receive_rtp(TimePoint at, const Address& from, Bytes datagram) {
  if (!secured_ || !welcome_rtp(at, datagram)) return refuse();
  const auto ssrc = read_u32(datagram, 8);
  if (!path_allowed(from, ssrc, false)) return refuse();

  std::array<std::uint8_t, kBuffer> buffer;
  std::copy(datagram.begin(), datagram.end(), buffer.begin());
  std::size_t size = datagram.size();
  if (srtp_) {
    follow_roll_over(ssrc, static_cast<std::uint16_t>(read_u32(datagram, 0)));
    const auto clear = srtp_->unprotect_rtp(buffer, size);
    if (!clear) return refuse();
    size = *clear;
  }
  if (!take_rtp(at, Bytes(buffer.data(), size), datagram.size())) return refuse();
  if (!config_.encrypted && !plain_source_) plain_source_ = from;
  authenticated(at, from);
  udp_heard_rtp_ = at;
  last_by_srtp_ = sequences_.peek(static_cast<std::uint16_t>(read_u32(datagram, 0)));
  carried_since_srtp_ = 0;
  return true;
}

// False: not RTP. What has been seen before is true and goes no further.
bool Leg::Impl::take_rtp(TimePoint at, Bytes clear, std::size_t size_on_the_wire) {
  const auto packet = rtp::parse_rtp(clear);
  if (!packet) return false;
  ssrcs_.accept(at, packet->header.ssrc);
  if (std::exchange(sequences_of_, packet->header.ssrc) != packet->header.ssrc) sequences_.reset();
  sequences_.unwrap(packet->header.sequence);
  bytes_in_ += size_on_the_wire;
  ++packets_in_;
  if (receiver_.receive(at, packet->header) != rtp::RtpReceiver::Verdict::accepted) return true;
  if (packet->payload.empty()) return true;  // padding alone: a bandwidth probe

  MediaPacket media;
  if (!media.assign(packet->payload)) return false;
  media.ssrc = packet->header.ssrc;
  media.sequence = packet->header.sequence;
  media.timestamp = packet->header.timestamp;
  media.marker = packet->header.marker;
  media.arrival = at;
  if (const auto element = rtp::find_extension(*packet, config_.audio_level_id)) {
    if (const auto level = rtp::parse_audio_level(*element)) {
      media.level = level->level;
      media.voice = level->voice;
    }
  }
  output_.on_media(config_.id, media);
  return true;
}

bool Leg::Impl::receive_rtcp(TimePoint at, const Address& from, Bytes datagram) {
  if (datagram.size() < 8 || datagram.size() > kBuffer || !secured_) return refuse();
  if (!path_allowed(from, read_u32(datagram, 4), true)) return refuse();
  std::array<std::uint8_t, kBuffer> buffer;
  std::copy(datagram.begin(), datagram.end(), buffer.begin());
  std::size_t size = datagram.size();
  if (srtp_) {
    const auto clear = srtp_->unprotect_rtcp(buffer, size);
    if (!clear) return refuse();
    size = *clear;
  }
  const auto heard = rtcp_.receive(at, Bytes(buffer.data(), size));
  if (heard == rtcp::RtcpSession::Heard::malformed) return refuse();
  authenticated(at, from);
  if (heard == rtcp::RtcpSession::Heard::bye) end(LegEnd::bye);
  return true;
}

bool Leg::Impl::may_send(TimePoint at) const {
  if (!secured_ || ended_ || !remote()) return false;
  // RFC 7675: media goes only where somebody keeps asking for it.
  if (lite_) return lite_->consent_valid(at);
  return !client_ || client_->consent_valid(at);
}

bool Leg::Impl::send_rtp(TimePoint at, const RtpOut& packet) {
  const bool by_udp = carrier_ != Carrier::websocket && may_send(at);
  if (ended_ || !(by_udp || carried())) return false;
  auto header = sender_.next(packet.media_time, packet.holes_before, packet.marker);
  header.csrc_count = static_cast<std::uint8_t>(std::min(packet.contributors.size(), rtp::kMaxCsrcs));
  std::array<std::uint8_t, rtp::kMaxCsrcs> levels{};
  for (std::size_t i = 0; i < header.csrc_count; ++i) {
    header.csrc[i] = packet.contributors[i].csrc;
    levels[i] = packet.contributors[i].level;
  }
  rtp::LevelExtensions extensions;
  if (packet.level != MediaPacket::kNoLevel) {
    extensions.audio_level_id = config_.audio_level_id;
    extensions.audio_level = {packet.level, packet.voice};
  }
  extensions.mixer_level_id = config_.mixer_level_id;
  extensions.mixer_levels = {levels.data(), header.csrc_count};
  std::array<std::uint8_t, rtp::kMaxExtensionBlock> block;
  const auto block_size = rtp::write_extension_block(block, extensions);

  std::array<std::uint8_t, kBuffer> buffer;
  std::size_t size = rtp::write_rtp(std::span(buffer).first(kBuffer - srtp::Session::kMaxOverhead), header,
                                    Bytes(block.data(), block_size), packet.payload);
  if (size == 0) return false;
  if (carried()) output_.send_carried(config_.id, Bytes(buffer.data(), size));
  if (srtp_) {
    // Also what goes another way: the cipher keeps step with the sequence numbers.
    const auto sealed = srtp_->protect_rtp(buffer, size);
    if (sealed) size = *sealed;
    if (!sealed && !carried()) return false;
    if (by_udp && sealed) output_.send(*remote(), local_ip_, Bytes(buffer.data(), size));
  } else if (by_udp) {
    output_.send(*remote(), local_ip_, Bytes(buffer.data(), size));
  }
  sender_.count_sent(at, packet.payload.size());
  bytes_out_ += size;
  return true;
}

void Leg::Impl::send_rtcp(std::span<std::uint8_t> buffer, std::size_t size) {
  if (size == 0) return;
  // Reports go one way only, or round trips would be measured along two.
  if (carried()) return output_.send_carried(config_.id, Bytes(buffer.data(), size));
  if (srtp_) {
    const auto sealed = srtp_->protect_rtcp(buffer, size);
    if (!sealed) return;
    size = *sealed;
  }
  const auto to = config_.rtcp_remote ? config_.rtcp_remote : remote();
  if (to) output_.send(*to, local_ip_, Bytes(buffer.data(), size));
}

}  // namespace parley
