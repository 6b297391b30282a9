// The path of a datagram:
//
//   in:  STUN -> ICE agent -> answer, perhaps a new remote address
//        DTLS -> dtls::Session -> keys -> srtp::Session
//        SRTP -> ssrc and payload type admitted -> authenticated -> statistics -> MediaPacket
//   out: RtpOut -> header, levels -> protect -> LegOutput
//
// Carried by a WebSocket it is shorter: no STUN, no DTLS, no SRTP in either direction.
#include "transport/leg/leg.hpp"

#include <algorithm>

#include "transport/base/check.hpp"
#include "transport/base/unwrap.hpp"
#include "transport/dtls/identity.hpp"
#include "transport/dtls/session.hpp"
#include "transport/ice/ice_client.hpp"
#include "transport/ice/ice_lite.hpp"
#include "transport/net/udp_socket.hpp"
#include "transport/rtcp/rtcp_session.hpp"
#include "transport/rtp/header_extensions.hpp"
#include "transport/rtp/rtp_packet.hpp"
#include "transport/rtp/rtp_receiver.hpp"
#include "transport/rtp/rtp_sender.hpp"
#include "transport/rtp/ssrc_policy.hpp"
#include "transport/srtp/srtp_session.hpp"

namespace parley {
namespace {

constexpr std::size_t kBuffer = 2048;
// A peer that only ever sends checks would otherwise keep a leg without media for ever.
constexpr Duration kConnectLimit = 30s;
// A server sends a packet every 400 ms even into silence. After half of that without any the client asks by
// an authenticated check, so that a NAT that has forgotten us costs half a second and not the consent
// interval.
constexpr Duration kDoubt = 200ms;
// On a direct path, so that its death is noticed while the listener's buffer still has sound.
constexpr Duration kPeerKeepAlive = 100ms;
// The same while another carrier has the call: UDP is only asked whether it is back.
constexpr Duration kProbe = 1s;
// A handshake that failed is begun anew where the leg can live without it meanwhile, later each time.
constexpr Duration kFirstRetry = 1s;
constexpr Duration kLastRetry = 30s;
// So many packets by another carrier, and SRTP's roll-over counter may have moved on unseen.
constexpr std::uint64_t kUnseen = 8'192;

std::uint32_t read_u32(Bytes data, std::size_t at) {
  ByteReader reader(data);
  reader.take(at);
  return reader.u32();
}

}  // namespace

const char* to_string(LegEnd end) {
  switch (end) {
    case LegEnd::timeout:
      return "timeout";
    case LegEnd::bye:
      return "bye";
    case LegEnd::dtls_closed:
      return "dtls closed";
    case LegEnd::dtls_failed:
      return "dtls failed";
    case LegEnd::wrong_certificate:
      return "wrong certificate";
    case LegEnd::removed:
      return "removed";
  }
  return "unknown";
}

class Leg::Impl final : public dtls::DatagramSink, public ice::CheckSink {
 public:
  Impl(LegConfig config, const dtls::Identity* identity, LegOutput& output, TimePoint at);

  const LegConfig& config() const { return config_; }
  bool receive(TimePoint at, const Address& from, const std::optional<IpAddress>& to, Bytes datagram);
  bool send_rtp(TimePoint at, const RtpOut& packet);
  void set_carrier(TimePoint at, Carrier carrier);
  bool receive_carried(TimePoint at, Bytes packet);
  UdpSigns udp_signs() const;
  void on_timer(TimePoint at);
  TimePoint next_timeout() const;
  void restart_ice(std::string local_ufrag, std::string local_pwd, std::string remote_ufrag,
                   std::string remote_pwd, TimePoint at);
  void close(TimePoint at);
  bool add_candidate(TimePoint at, const Address& address, std::uint32_t priority) {
    return client_ && client_->add_remote_candidate(at, address, priority);
  }
  void probe_ports(TimePoint at, const Address& known, const ice::ProbePlan& plan) {
    if (client_) client_->probe_ports(at, known, plan);
  }
  std::optional<Address> mapped_address() const { return client_ ? client_->mapped_address() : std::nullopt; }
  std::optional<Address> remote() const;
  bool connected() const { return connected_ && !ended_; }
  LegTraffic traffic() const;

 private:
  bool carried() const { return carrier_ != Carrier::udp; }
  void announce() {
    if (std::exchange(announced_, true)) return;
    output_.on_connected(config_.id);
  }
  void send_datagram(Bytes datagram) override;                  // DTLS
  void send_check(const Address& to, Bytes datagram) override;  // ICE client
  void send_opening(const Address& to, Bytes datagram) override { output_.send_opening(to, datagram); }

  bool receive_stun(TimePoint at, const Address& from, const std::optional<IpAddress>& to, Bytes datagram);
  void receive_dtls(TimePoint at, const Address& from, Bytes datagram);
  bool receive_rtp(TimePoint at, const Address& from, Bytes datagram);
  bool receive_rtcp(TimePoint at, const Address& from, Bytes datagram);
  bool welcome_rtp(TimePoint at, Bytes packet) const;
  bool take_rtp(TimePoint at, Bytes clear, std::size_t size_on_the_wire);
  void follow_roll_over(std::uint32_t ssrc, std::uint16_t sequence);
  void give_up_udp(LegEnd why);
  bool path_allowed(const Address& from, std::uint32_t ssrc, bool rtcp) const;
  void authenticated(TimePoint at, const Address& from);
  // A server with several addresses answers from the one it was spoken to. A client's addresses come and go
  // with its networks: the kernel knows best which one is there.
  void keep_local_address(const std::optional<IpAddress>& address) {
    if (!client_) local_ip_ = address;
  }
  void make_dtls();
  void doubt(TimePoint at);
  void check_paths(TimePoint at);
  void check_dtls(TimePoint at);
  void handshake_failed(TimePoint at);
  void begin_handshake(TimePoint at);
  void become_connected(TimePoint at);
  void send_rtcp(std::span<std::uint8_t> buffer, std::size_t size);
  bool may_send(TimePoint at) const;
  bool refuse() {
    ++refused_;
    return false;
  }
  void end(LegEnd how) {
    if (ended_) return;
    ended_ = true;
    output_.on_end(config_.id, how);
  }

  LegConfig config_;
  const dtls::Identity* identity_ = nullptr;
  LegOutput& output_;
  TimePoint start_;

  std::optional<ice::IceLite> lite_;
  std::unique_ptr<ice::IceClient> client_;
  std::unique_ptr<dtls::Session> dtls_;
  std::unique_ptr<srtp::Session> srtp_;
  rtp::RtpSender sender_;
  rtp::RtpReceiver receiver_;
  rtp::SsrcPolicy ssrcs_;
  rtcp::RtcpSession rtcp_;

  std::optional<Address> dtls_peer_;     // where the last DTLS datagram came from
  std::optional<Address> plain_source_;  // plain leg: fixed by the first packet
  std::optional<IpAddress> local_ip_;    // the address the peer sends to: we answer from it
  Carrier carrier_ = Carrier::udp;
  bool was_carried_ = false;  // packets of that carrier may still be on their way
  bool secured_ = false;      // UDP may carry media: plain RTP, or SRTP has its keys
  bool connected_ = false;    // secured_, or carried
  bool announced_ = false;
  bool ended_ = false;
  TimePoint last_heard_;
  std::optional<TimePoint> udp_answered_, udp_heard_, udp_heard_rtp_;
  // Extended sequence numbers of what came in, by any carrier, and the one that came by SRTP last.
  SequenceUnwrapper sequences_;
  std::optional<std::uint32_t> sequences_of_;
  std::int64_t last_by_srtp_ = 0;
  std::uint64_t carried_since_srtp_ = 0;
  TimePoint next_doubt_ = TimePoint::max();  // client: when silence has to be looked at
  TimePoint retry_at_ = TimePoint::max();    // the handshake is begun anew
  Duration retry_pause_ = kFirstRetry;

  std::uint64_t packets_in_ = 0;
  std::uint64_t bytes_in_ = 0;
  std::uint64_t bytes_out_ = 0;
  std::uint64_t refused_ = 0;
};

Leg::Impl::Impl(LegConfig config, const dtls::Identity* identity, LegOutput& output, TimePoint at)
    : config_(std::move(config)),
      output_(output),
      start_(at),
      sender_(config_.local_ssrc, config_.payload_type, rtp_clock_rate(config_.codec)),
      receiver_(rtp_clock_rate(config_.codec)),
      rtcp_(config_.cname, sender_, receiver_, at, random_u32()),
      last_heard_(at) {
  if (!config_.encrypted) {
    secured_ = connected_ = true;  // announced by the first on_timer(): nobody is called from a constructor
    return;
  }
  PARLEY_ASSERT(identity != nullptr);
  identity_ = identity;
  const ice::Credentials local{config_.local_ufrag, config_.local_pwd};
  const ice::Credentials remote{config_.remote_ufrag, config_.remote_pwd};
  make_dtls();
  if (config_.controlling || config_.peer_to_peer) {
    ice::IceClientConfig ice;
    ice.local = local;
    ice.remote = remote;
    ice.controlling = config_.controlling;
    ice.remote_lite = !config_.peer_to_peer;
    if (config_.peer_to_peer) ice.consent_interval = kPeerKeepAlive;
    client_ = std::make_unique<ice::IceClient>(ice, *this, at);
    if (config_.remote) client_->add_remote_candidate(at, *config_.remote);
  } else {
    lite_.emplace(local, remote.ufrag);
  }
}

void Leg::Impl::make_dtls() {
  const auto role = config_.controlling ? dtls::Role::active : dtls::Role::passive;
  // An unusable fingerprint matches no certificate: signalling has refused it long before.
  const auto expected = dtls::Fingerprint::parse(config_.remote_fingerprint);
  if (expected) dtls_ = std::make_unique<dtls::Session>(*identity_, role, *expected, *this);
}

std::optional<Address> Leg::Impl::remote() const {
  if (!config_.encrypted) return config_.remote;
  return lite_ ? lite_->remote() : client_->selected();
}

void Leg::Impl::send_datagram(Bytes datagram) {
  const auto to = dtls_peer_ ? dtls_peer_ : remote();
  if (to) output_.send(*to, local_ip_, datagram);
}

void Leg::Impl::send_check(const Address& to, Bytes datagram) {
  output_.send(to, std::nullopt, datagram);
}

bool Leg::Impl::receive(TimePoint at, const Address& from, const std::optional<IpAddress>& to,
                        Bytes datagram) {
  if (ended_) return false;
  switch (net::classify(datagram)) {
    case net::PacketKind::stun:
      return receive_stun(at, from, to, datagram);
    case net::PacketKind::dtls:
      receive_dtls(at, from, datagram);
      return false;
    case net::PacketKind::rtp_or_rtcp: {
      const bool ours =
          net::is_rtcp(datagram) ? receive_rtcp(at, from, datagram) : receive_rtp(at, from, datagram);
      if (ours && from == remote()) keep_local_address(to);
      return ours;
    }
    case net::PacketKind::unknown:
      break;
  }
  return refuse();
}

bool Leg::Impl::receive_stun(TimePoint at, const Address& from, const std::optional<IpAddress>& to,
                             Bytes datagram) {
  if (client_) {
    const bool had_path = client_->selected().has_value();
    const auto result = client_->receive(at, from, datagram);
    if (!result.authenticated) return refuse();
    last_heard_ = at;
    udp_heard_ = udp_answered_ = at;
    if (!had_path && client_->selected() && dtls_) dtls_->start(at);
    return true;
  }
  if (!lite_) return refuse();  // a plain leg speaks no STUN
  const auto result = lite_->receive(at, from, datagram);
  if (!result.response.empty()) output_.send(from, to, result.response);
  if (!result.authenticated) return refuse();
  last_heard_ = at;
  if (from == remote()) keep_local_address(to);
  return true;
}

void Leg::Impl::receive_dtls(TimePoint at, const Address& from, Bytes datagram) {
  const bool validated = lite_ ? lite_->validated(from) : client_ && client_->validated(from);
  if (!validated || !dtls_) {
    refuse();
    return;
  }
  if (!secured_) dtls_peer_ = from;  // later the nominated path counts
  dtls_->receive(at, datagram);
  check_dtls(at);
}

void Leg::Impl::check_dtls(TimePoint at) {
  switch (dtls_->state()) {
    case dtls::State::connected:
      if (!secured_) become_connected(at);
      break;
    case dtls::State::failed:
      handshake_failed(at);
      break;
    case dtls::State::closed:
      give_up_udp(LegEnd::dtls_closed);
      break;
    case dtls::State::idle:
    case dtls::State::handshaking:
      break;
  }
}

// Two clients have the server meanwhile, a carried leg its carrier. Neither end hears when the other has
// given up: each begins anew by its own clock, until both are at it at the same time.
void Leg::Impl::handshake_failed(TimePoint at) {
  if (dtls_->failure() == dtls::FailureReason::wrong_certificate)
    return give_up_udp(LegEnd::wrong_certificate);
  if (!carried() && !config_.peer_to_peer) return give_up_udp(LegEnd::dtls_failed);
  dtls_.reset();
  retry_at_ = at + retry_pause_;
  retry_pause_ = std::min(retry_pause_ * 2, kLastRetry);
}

void Leg::Impl::begin_handshake(TimePoint at) {
  retry_at_ = TimePoint::max();
  make_dtls();
  if (client_ && client_->selected()) dtls_->start(at);
}

void Leg::Impl::become_connected(TimePoint at) {
  auto session = srtp::Session::create(*dtls_->keys());
  if (!session) {
    end(LegEnd::dtls_failed);
    return;
  }
  srtp_ = std::move(session).value();
  secured_ = connected_ = true;
  last_heard_ = at;
  udp_heard_ = at;
  if (client_) next_doubt_ = at + kDoubt;
  dtls_peer_.reset();  // from now on the nominated path
  announce();
}

// The end of UDP is the end of a leg that has nothing else. One that is carried stays as it is.
void Leg::Impl::give_up_udp(LegEnd why) {
  if (!carried()) return end(why);
  dtls_.reset();
  srtp_.reset();
  secured_ = false;
}

void Leg::Impl::set_carrier(TimePoint at, Carrier carrier) {
  if (!config_.encrypted || ended_) return;
  carrier_ = carrier;
  was_carried_ = was_carried_ || carried();
  connected_ = secured_ || carried();
  if (!connected_) start_ = at;  // UDP gets its time once more
  last_heard_ = at;
  if (carried()) announce();
}

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

Leg::UdpSigns Leg::Impl::udp_signs() const {
  const auto consented = client_ && client_->selected() ? std::optional(client_->consented()) : std::nullopt;
  return {secured_ && remote().has_value(), udp_answered_, consented, udp_heard_, udp_heard_rtp_};
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

void Leg::Impl::on_timer(TimePoint at) {
  if (ended_) return;
  if (!config_.encrypted) announce();
  if (at >= next_doubt_) doubt(at);
  if (at >= retry_at_) begin_handshake(at);
  if (client_ && at >= client_->next_timeout()) check_paths(at);
  if (dtls_ && !ended_ && at >= dtls_->next_timeout()) {
    dtls_->on_timer(at);
    check_dtls(at);
  }
  if (connected() && at >= rtcp_.next_report()) {
    std::array<std::uint8_t, kBuffer> buffer;
    const auto size = rtcp_.write_report(at, ntp_now(), buffer);
    if (carried() || may_send(at)) send_rtcp(buffer, size);
  }
  if (ended_) return;
  if ((config_.encrypted || config_.expects_media) && at - last_heard_ >= config_.timeout)
    end(LegEnd::timeout);
  if (!connected_ && at - start_ >= kConnectLimit) end(LegEnd::timeout);
}

void Leg::Impl::doubt(TimePoint at) {
  const Duration patience = carried() ? kProbe : kDoubt;
  if (udp_heard_ && at - *udp_heard_ < patience) {
    next_doubt_ = *udp_heard_ + patience;
    return;
  }
  client_->network_changed(at);
  next_doubt_ = at + patience;
}

void Leg::Impl::check_paths(TimePoint at) {
  client_->on_timer(at);
  if (client_->state() != ice::ClientState::failed) return;
  if (carried()) {
    // Another carrier has the call: the search for a way back never ends.
    client_->restart(at, {config_.local_ufrag, config_.local_pwd},
                     {config_.remote_ufrag, config_.remote_pwd});
    if (config_.remote) client_->add_remote_candidate(at, *config_.remote);
  } else if (at - last_heard_ > config_.timeout) {
    end(LegEnd::timeout);
  }
}

TimePoint Leg::Impl::next_timeout() const {
  if (ended_) return TimePoint::max();
  if (!config_.encrypted && !announced_) return start_;
  TimePoint next = TimePoint::max();
  if (config_.encrypted || config_.expects_media) next = last_heard_ + config_.timeout;
  if (client_) next = std::min(next, client_->next_timeout());
  if (dtls_) next = std::min(next, dtls_->next_timeout());
  next = std::min({next, next_doubt_, retry_at_});
  next = std::min(next, connected_ ? rtcp_.next_report() : start_ + kConnectLimit);
  return next;
}

void Leg::Impl::restart_ice(std::string local_ufrag, std::string local_pwd, std::string remote_ufrag,
                            std::string remote_pwd, TimePoint at) {
  const ice::Credentials local{std::move(local_ufrag), std::move(local_pwd)};
  const ice::Credentials remote{std::move(remote_ufrag), std::move(remote_pwd)};
  if (lite_) {
    lite_->restart(local, remote.ufrag);
  } else if (client_) {
    config_.local_ufrag = local.ufrag;
    config_.local_pwd = local.pwd;
    config_.remote_ufrag = remote.ufrag;
    config_.remote_pwd = remote.pwd;
    client_->restart(at, local, remote);
    if (config_.remote) client_->add_remote_candidate(at, *config_.remote);
  }
}

void Leg::Impl::close(TimePoint at) {
  if (ended_) return;
  if (carried() || may_send(at)) {
    std::array<std::uint8_t, kBuffer> buffer;
    send_rtcp(buffer, rtcp_.write_bye(at, ntp_now(), buffer));
  }
  if (dtls_) dtls_->close();
  ended_ = true;
}

LegTraffic Leg::Impl::traffic() const {
  const auto reception = receiver_.stats();
  LegTraffic out;
  out.packets_in = packets_in_;
  out.bytes_in = bytes_in_;
  out.packets_out = sender_.packets();
  out.bytes_out = bytes_out_;
  out.lost_in = reception.lost;
  out.jitter_in_ms = reception.jitter_ms;
  out.fraction_lost_in = reception.fraction_lost;
  if (const auto& remote = rtcp_.remote()) {
    out.lost_out = remote->lost;
    out.fraction_lost_out = remote->fraction_lost;
    out.jitter_out_ms = remote->jitter_ms;
  }
  if (const auto trip = rtcp_.round_trip()) out.round_trip_ms = to_ms(*trip);
  out.refused = refused_;
  out.carrier = carrier_;
  return out;
}

Leg::Leg(LegConfig config, const dtls::Identity* identity, LegOutput& output, TimePoint at)
    : impl_(std::make_unique<Impl>(std::move(config), identity, output, at)) {}
Leg::~Leg() = default;
const LegConfig& Leg::config() const {
  return impl_->config();
}
bool Leg::receive(TimePoint at, const Address& from, const std::optional<IpAddress>& to, Bytes datagram) {
  return impl_->receive(at, from, to, datagram);
}
bool Leg::send_rtp(TimePoint at, const RtpOut& packet) {
  return impl_->send_rtp(at, packet);
}
void Leg::set_carrier(TimePoint at, Carrier carrier) {
  impl_->set_carrier(at, carrier);
}
bool Leg::receive_carried(TimePoint at, Bytes packet) {
  return impl_->receive_carried(at, packet);
}
Leg::UdpSigns Leg::udp_signs() const {
  return impl_->udp_signs();
}
void Leg::on_timer(TimePoint at) {
  impl_->on_timer(at);
}
TimePoint Leg::next_timeout() const {
  return impl_->next_timeout();
}
void Leg::restart_ice(TimePoint at, std::string local_ufrag, std::string local_pwd, std::string remote_ufrag,
                      std::string remote_pwd) {
  impl_->restart_ice(std::move(local_ufrag), std::move(local_pwd), std::move(remote_ufrag),
                     std::move(remote_pwd), at);
}
bool Leg::add_candidate(TimePoint at, const Address& address, std::uint32_t priority) {
  return impl_->add_candidate(at, address, priority);
}
void Leg::probe_ports(TimePoint at, const Address& known, const ice::ProbePlan& plan) {
  impl_->probe_ports(at, known, plan);
}
std::optional<Address> Leg::mapped_address() const {
  return impl_->mapped_address();
}
void Leg::close(TimePoint at) {
  impl_->close(at);
}
std::optional<Address> Leg::remote() const {
  return impl_->remote();
}
bool Leg::connected() const {
  return impl_->connected();
}
LegTraffic Leg::traffic() const {
  return impl_->traffic();
}

}  // namespace parley
