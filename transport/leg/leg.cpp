#include "transport/leg/leg.hpp"

#include <algorithm>

#include "transport/base/check.hpp"
#include "transport/dtls/identity.hpp"
#include "transport/leg/leg_impl.hpp"
#include "transport/net/udp_socket.hpp"

namespace parley {
namespace {

// A peer that only ever sends checks would otherwise keep a leg without media for ever.
constexpr Duration kConnectLimit = 30s;
// On a direct path, so that its death is noticed while the listener's buffer still has sound.
constexpr Duration kPeerKeepAlive = 100ms;
// The same while another carrier has the call: UDP is only asked whether it is back.
constexpr Duration kProbe = 1s;

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

void Leg::Impl::set_carrier(TimePoint at, Carrier carrier) {
  if (!config_.encrypted || ended_) return;
  carrier_ = carrier;
  was_carried_ = was_carried_ || carried();
  connected_ = secured_ || carried();
  if (!connected_) start_ = at;  // UDP gets its time once more
  last_heard_ = at;
  if (carried()) announce();
}

Leg::UdpSigns Leg::Impl::udp_signs() const {
  const auto consented = client_ && client_->selected() ? std::optional(client_->consented()) : std::nullopt;
  return {secured_ && remote().has_value(), udp_answered_, consented, udp_heard_, udp_heard_rtp_};
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
