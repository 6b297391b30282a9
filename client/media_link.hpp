// The client's end of the media: one UDP socket, the leg to the server on it and at times one to a peer, the
// leg's timers, all driven by the network loop.
//
// Threads: the network thread's, all of it. Handlers may destroy the link, except on_media.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <optional>

#include "client/direct_path.hpp"
#include "client/mapping_probe.hpp"
#include "client/opening_sockets.hpp"
#include "client/uplink.hpp"
#include "transport/base/result.hpp"
#include "transport/ice/port_prober.hpp"
#include "transport/leg/leg.hpp"
#include "transport/net/udp_socket.hpp"

namespace parley::client {

struct MediaHandlers {
  std::function<void()> on_connected;
  std::function<void(const MediaPacket&)> on_media;
  std::function<void(LegEnd)> on_end;
  std::function<void(Bytes)> on_packet;  // for the WebSocket, if that is to carry the leg
  // The direct leg's. on_direct_heard: authenticated packets.
  std::function<void()> on_direct_connected;
  std::function<void(TimePoint, DirectPath::Heard)> on_direct_heard;
  std::function<void(const MediaPacket&)> on_direct_media;
  std::function<void(LegEnd)> on_direct_end;
};

class MediaLink final : private LegOutput {
 public:
  // Binds a socket of `bind_to`'s family; port 0 lets the kernel choose.
  static Result<std::unique_ptr<MediaLink>> open(boost::asio::io_context& context, const Address& bind_to,
                                                 MediaHandlers handlers);
  ~MediaLink() override;

  Address local() const { return socket_->local(); }
  // Once. `identity` outlives the link.
  void start(const LegConfig& config, const dtls::Identity* identity);
  void send(const Uplink::Packet& packet);
  // The server leg by the WebSocket (Leg::set_carrier).
  void set_carrier(Carrier carrier);
  void take_packet(Bytes packet);
  Leg::UdpSigns udp_signs() const { return leg_ ? leg_->udp_signs() : Leg::UdpSigns{}; }
  // A second leg on the same socket, so that what the server sees of our NAT is true for the peer as well.
  void start_direct(const LegConfig& config, const dtls::Identity* identity);
  void add_direct_candidate(const Address& address, std::uint32_t priority);
  // What our NAT does (MappingProbe): asked for on from the first call, to be repeated every few
  // milliseconds.
  ice::PortMapping learn_mapping();
  // Leg::probe_ports(). The path may then be another socket's.
  void probe_direct_ports(const Address& known, const ice::ProbePlan& plan);
  void send_direct(const Uplink::Packet& packet);
  void stop_direct();
  bool has_direct() const { return direct_ != nullptr; }
  std::optional<TimePoint> direct_consent() const {
    return direct_ ? direct_->udp_signs().consented : std::nullopt;
  }
  LegTraffic direct_traffic() const { return direct_ ? direct_->traffic() : LegTraffic{}; }
  std::optional<Address> mapped_address() const { return leg_ ? leg_->mapped_address() : std::nullopt; }
  void flush() { socket_->flush(); }
  // BYE and close_notify; handlers are not called any more.
  void close();

  bool connected() const { return leg_ && leg_->connected(); }
  LegTraffic traffic() const { return leg_ ? leg_->traffic() : LegTraffic{}; }
  std::optional<Address> remote() const { return leg_ ? leg_->remote() : std::nullopt; }

 private:
  MediaLink(boost::asio::io_context& context, std::unique_ptr<net::UdpSocket> socket, MediaHandlers handlers);
  void wait_for_datagrams();
  void read_datagrams();
  bool is_direct(LegId leg) const { return direct_ && direct_->config().id == leg; }
  bool is_mapping_answer(const net::Datagram& datagram);
  Leg* leg_of(const net::Datagram& datagram);
  void note_direct(TimePoint at, DirectPath::Heard what);
  void settle();  // after every call into the leg: sends, sets the timer, tells what has happened

  void read_opening(std::size_t socket, const Address& from, Bytes datagram);

  void send(const Address& to, const std::optional<IpAddress>& from, Bytes datagram) override;
  void send_opening(const Address& to, Bytes datagram) override;
  void send_carried(LegId leg, Bytes packet) override;
  void on_connected(LegId leg) override;
  void on_media(LegId leg, const MediaPacket& packet) override;
  void on_end(LegId leg, LegEnd end) override;

  boost::asio::io_context& context_;
  std::unique_ptr<net::UdpSocket> socket_;
  boost::asio::posix::stream_descriptor readable_;  // lends socket_'s descriptor
  boost::asio::steady_timer timer_;
  MediaHandlers handlers_;
  std::unique_ptr<Leg> leg_, direct_;
  std::unique_ptr<MappingProbe> mapping_;
  std::optional<Address> server_;  // where the server leg's datagrams come from
  std::string direct_ufrag_;
  // Sockets of the direct leg alone, while ports are probed and when one of them has found the peer:
  // own_socket_ then takes the place of socket_ for all that leg sends.
  std::unique_ptr<OpeningSockets> openings_;
  std::optional<std::size_t> own_socket_;
  TimePoint timer_at_ = TimePoint::max();
  // The leg calls back in the middle of its work, when it must not be destroyed: told later, by settle().
  bool connected_now_ = false;
  std::optional<LegEnd> ended_now_;
  bool direct_connected_now_ = false;
  std::optional<LegEnd> direct_ended_now_;
  std::optional<std::pair<TimePoint, DirectPath::Heard>> heard_direct_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // false: handlers of the loop do nothing
};

}  // namespace parley::client
