// The path of a datagram:
//
//   in:  STUN -> ICE agent -> answer, perhaps a new remote address
//        DTLS -> dtls::Session -> keys -> srtp::Session
//        SRTP -> ssrc and payload type admitted -> authenticated -> statistics -> MediaPacket
//   out: RtpOut -> header, levels -> protect -> LegOutput
//
// Carried by a WebSocket it is shorter: no STUN, no DTLS, no SRTP in either direction.
//
// Private to transport/leg/leg*.cpp: leg.cpp has the life of a leg, its checks and timers, leg_dtls.cpp its
// handshake, leg_media.cpp RTP and RTCP.
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "transport/base/unwrap.hpp"
#include "transport/dtls/session.hpp"
#include "transport/ice/ice_client.hpp"
#include "transport/ice/ice_lite.hpp"
#include "transport/leg/leg.hpp"
#include "transport/rtcp/rtcp_session.hpp"
#include "transport/rtp/rtp_receiver.hpp"
#include "transport/rtp/rtp_sender.hpp"
#include "transport/rtp/ssrc_policy.hpp"
#include "transport/srtp/srtp_session.hpp"

namespace parley {

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
  static constexpr std::size_t kBuffer = 2048;
  // A server sends a packet every 400 ms even into silence. After half of that without any the client asks by
  // an authenticated check, so that a NAT that has forgotten us costs half a second and not the consent
  // interval.
  static constexpr Duration kDoubt = 200ms;
  // A handshake that failed is begun anew where the leg can live without it meanwhile, later each time.
  static constexpr Duration kFirstRetry = 1s;

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

}  // namespace parley
