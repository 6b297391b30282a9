// One media session over datagrams, seen from one end: ICE, DTLS-SRTP (or plain RTP), RTP sending state, RTCP
// reports. The server has one per participant (lite, passive), the client one to the MCU (full, active).
//
// Where UDP does not get through, a WebSocket carries the same leg: same SSRCs, same sequence numbers,
// packets in the clear because that connection is protected itself. ICE and DTLS go on trying; the client
// decides (set_carrier), the server follows.
//
// Pure: no socket, no clock. Datagrams and time come in by arguments, datagrams leave through LegOutput.
// Threads: owned by one thread (net-0 in the server, the network thread of the client).
// RFCs: 8445 (ICE), 5764 (DTLS-SRTP), 3550 (RTP/RTCP), 6464/6465 (levels).
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "transport/base/address.hpp"
#include "transport/base/carrier.hpp"
#include "transport/base/ids.hpp"
#include "transport/base/media_packet.hpp"
#include "transport/base/time.hpp"

namespace parley::dtls {
class Identity;
}
namespace parley::ice {
struct ProbePlan;
}

namespace parley {

struct LegConfig {
  LegId id = LegId::none;
  std::uint32_t route = 0;   // the owner's: which mix thread this leg's media goes to
  bool encrypted = true;     // DTLS-SRTP; false: plain RTP (RTP/AVP)
  bool controlling = false;  // client: full ICE, DTLS active. Server: lite, DTLS passive.
  // The other end is a client, too: both are full agents, and who controls is also the one that is active in
  // DTLS. `remote` is not used; candidates come by add_candidate().
  bool peer_to_peer = false;

  // ICE (encrypted legs).
  std::string local_ufrag, local_pwd, remote_ufrag, remote_pwd;
  std::string remote_fingerprint;  // "sha-256 AB:CD:..." of the SDP; a mismatch ends the leg
  std::optional<Address> remote;   // controlling: where to send checks; plain: where to send media
  // Plain legs: the source that is accepted (design section 5): this IP with this port or, if an SSRC was
  // offered, any port with exactly that SSRC.
  std::optional<std::uint32_t> remote_ssrc;
  std::optional<Address> rtcp_remote;  // without rtcp-mux: where RTCP goes
  bool expects_media =
      true;  // plain legs have no other sign of life: false (a mere listener) never times out

  // RTP.
  Codec codec = Codec::opus;
  std::uint8_t payload_type = 111;
  std::uint32_t local_ssrc = 0;
  std::string cname;
  std::uint8_t audio_level_id = 0;  // RFC 6464 extension id, 0: not negotiated
  std::uint8_t mixer_level_id = 0;  // RFC 6465 extension id, 0: not negotiated
  Duration timeout = 10s;           // without any authenticated packet: gone
};

enum class LegEnd : std::uint8_t { timeout, bye, dtls_closed, dtls_failed, wrong_certificate, removed };
const char* to_string(LegEnd end);

// Both directions, cumulative unless said otherwise.
struct LegTraffic {
  std::uint64_t packets_in = 0, packets_out = 0, bytes_in = 0, bytes_out = 0;
  std::uint64_t lost_in = 0;    // RFC 3550 A.3, of what the peer sent
  double jitter_in_ms = 0;      // RFC 3550 A.8
  double fraction_lost_in = 0;  // of the last report interval
  std::uint64_t lost_out = 0;   // from the peer's receiver reports, holes we made ourselves taken off
  double fraction_lost_out = 0;
  double jitter_out_ms = 0;
  double round_trip_ms = -1;  // negative: not known yet
  std::uint64_t refused = 0;  // wrong source, ssrc, payload type, authentication tag, replay
  Carrier carrier = Carrier::udp;
};

struct CsrcLevel {
  std::uint32_t csrc = 0;
  std::uint8_t level = 127;
};

// An RTP packet to be sent on a leg.
struct RtpOut {
  Bytes payload;
  std::uint64_t media_time = 0;  // 48 kHz samples; the leg maps it to its RTP clock and offset
  std::uint16_t holes_before = 0;
  bool marker = false;
  std::uint8_t level = MediaPacket::kNoLevel;  // RFC 6464, client to server
  bool voice = false;
  std::span<const CsrcLevel> contributors;  // CSRC list; levels only if RFC 6465 was negotiated
};

class LegOutput {
 public:
  virtual ~LegOutput() = default;
  // `from`: local address the datagram must leave from (IP_PKTINFO), if known.
  virtual void send(const Address& to, const std::optional<IpAddress>& from, Bytes datagram) = 0;
  // From a new socket. When receive() finds what comes there to be the peer's, the leg is to go on with it.
  virtual void send_opening(const Address& /*to*/, Bytes /*datagram*/) {}
  // An RTP or RTCP packet for the leg's stream connection. Only after set_carrier().
  virtual void send_carried(LegId /*leg*/, Bytes /*packet*/) {}
  virtual void on_connected(LegId leg) = 0;  // media may flow
  virtual void on_media(LegId leg, const MediaPacket& packet) = 0;
  virtual void on_end(LegId leg, LegEnd end) = 0;  // once; the leg is dead, the owner removes it
};

class Leg {
 public:
  // `identity` (our certificate) must outlive the leg; unused by plain legs.
  Leg(LegConfig config, const dtls::Identity* identity, LegOutput& output, TimePoint at);
  ~Leg();
  Leg(const Leg&) = delete;
  Leg& operator=(const Leg&) = delete;

  const LegConfig& config() const;

  // A datagram that the demultiplexer gave to this leg. For a lite leg a STUN request has been matched by
  // ufrag only: integrity is checked here. Returns true when the datagram was authenticated and came from the
  // leg's (perhaps new) current remote address, so that the table may map `from` to this leg.
  bool receive(TimePoint at, const Address& from, const std::optional<IpAddress>& to, Bytes datagram);

  bool send_rtp(TimePoint at, const RtpOut& packet);

  // What carries media from now on; encrypted legs only (others have one carrier, and ignore it). With
  // `websocket` and `both` the leg is connected, whatever UDP does, and takes what receive_carried() brings.
  void set_carrier(TimePoint at, Carrier carrier);
  // A packet that came by the leg's stream connection, from the peer beyond doubt. False: refused.
  bool receive_carried(TimePoint at, Bytes packet);
  struct UdpSigns {
    bool ready = false;                  // keys are there and a path is selected
    std::optional<TimePoint> answered;   // client: the last authenticated answer to a check
    std::optional<TimePoint> consented;  // client: the last answer on the selected path (RFC 7675)
    std::optional<TimePoint> heard;      // the last authenticated datagram of any kind
    std::optional<TimePoint> heard_rtp;  // the last media packet
  };
  UdpSigns udp_signs() const;

  // Timers: DTLS retransmission, ICE checks, RTCP reports, time-out. Call when next_timeout() has passed.
  void on_timer(TimePoint at);
  TimePoint next_timeout() const;

  // ICE restart (RFC 8445 section 9): new credentials, old ones stay valid until the new ones are used.
  void restart_ice(TimePoint at, std::string local_ufrag, std::string local_pwd, std::string remote_ufrag,
                   std::string remote_pwd);

  // Clients: another address to try (RFC 8445 section 5). False: refused.
  bool add_candidate(TimePoint at, const Address& address, std::uint32_t priority);
  // Clients: IceClient::probe_ports().
  void probe_ports(TimePoint at, const Address& known, const ice::ProbePlan& plan);
  // Clients: how the other end sees our address; known after the first check.
  std::optional<Address> mapped_address() const;

  // Says goodbye (RTCP BYE, DTLS close_notify), then nothing more is sent.
  void close(TimePoint at);

  std::optional<Address> remote() const;  // the current path
  bool connected() const;
  LegTraffic traffic() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace parley
