#include "client/media_link.hpp"

#include <utility>

#include "transport/stun/stun_message.hpp"

namespace parley::client {

namespace {

RtpOut to_rtp(const Uplink::Packet& packet) {
  RtpOut out;
  out.payload = packet.data();
  out.media_time = packet.media_time;
  out.marker = packet.marker;
  out.level = packet.level;
  out.voice = packet.voice;
  return out;
}

}  // namespace

Result<std::unique_ptr<MediaLink>> MediaLink::open(boost::asio::io_context& context, const Address& bind_to,
                                                   MediaHandlers handlers) {
  auto socket = net::UdpSocket::open(bind_to);
  if (!socket) return socket.error();
  return std::unique_ptr<MediaLink>(new MediaLink(context, std::move(*socket), std::move(handlers)));
}

MediaLink::MediaLink(boost::asio::io_context& context, std::unique_ptr<net::UdpSocket> socket,
                     MediaHandlers handlers)
    : context_(context),
      socket_(std::move(socket)),
      readable_(context, socket_->fd()),
      timer_(context),
      handlers_(std::move(handlers)) {
  wait_for_datagrams();
}

MediaLink::~MediaLink() {
  *alive_ = false;
  timer_.cancel();
  readable_.release();  // socket_ owns the descriptor
}

void MediaLink::start(const LegConfig& config, const dtls::Identity* identity) {
  server_ = config.remote;
  leg_ = std::make_unique<Leg>(config, identity, static_cast<LegOutput&>(*this), now());
  settle();
}

void MediaLink::send(const Uplink::Packet& packet) {
  if (leg_) leg_->send_rtp(now(), to_rtp(packet));
}

void MediaLink::send_direct(const Uplink::Packet& packet) {
  if (direct_) direct_->send_rtp(now(), to_rtp(packet));
}

void MediaLink::set_carrier(Carrier carrier) {
  if (!leg_) return;
  leg_->set_carrier(now(), carrier);
  settle();
}

void MediaLink::take_packet(Bytes packet) {
  if (!leg_) return;
  leg_->receive_carried(now(), packet);
  settle();
}

void MediaLink::start_direct(const LegConfig& config, const dtls::Identity* identity) {
  direct_ufrag_ = config.local_ufrag;
  direct_ = std::make_unique<Leg>(config, identity, static_cast<LegOutput&>(*this), now());
  settle();
}

void MediaLink::add_direct_candidate(const Address& address, std::uint32_t priority) {
  if (!direct_) return;
  direct_->add_candidate(now(), address, priority);
  settle();
}

ice::PortMapping MediaLink::learn_mapping() {
  if (!server_) return ice::PortMapping::unknown;
  if (!mapping_)
    mapping_ = std::make_unique<MappingProbe>(
        *server_, [this](const Address& to, Bytes request) { socket_->queue(to, std::nullopt, request); });
  mapping_->on_timer(now());
  socket_->flush();
  return mapping_->result();
}

bool MediaLink::is_mapping_answer(const net::Datagram& datagram) {
  if (!mapping_ || mapping_->done() || net::classify(datagram.data) != net::PacketKind::stun) return false;
  const auto message = stun::StunMessage::parse(datagram.data);
  return message && mapping_->take(datagram.from, *message);
}

void MediaLink::probe_direct_ports(const Address& known, const ice::ProbePlan& plan) {
  if (!direct_) return;
  openings_ = std::make_unique<OpeningSockets>(
      context_,
      [this](std::size_t socket, const Address& from, Bytes data) { read_opening(socket, from, data); });
  direct_->probe_ports(now(), known, plan);
  settle();
}

// The first that brings something authentic is the path; what it brought is answered from there already.
void MediaLink::read_opening(std::size_t socket, const Address& from, Bytes datagram) {
  if (!direct_ || (!own_socket_ && direct_->remote())) return;
  const bool found = own_socket_.has_value();
  own_socket_ = socket;
  const TimePoint at = now();
  const bool authentic = direct_->receive(at, from, std::nullopt, datagram);
  if (authentic && !found) openings_->keep(socket);
  if (!authentic && !found) own_socket_.reset();
  if (authentic) note_direct(at, DirectPath::Heard::keep_alive);
  settle();
}

void MediaLink::stop_direct() {
  if (!direct_) return;
  direct_->close(now());
  direct_.reset();
  openings_.reset();
  own_socket_.reset();
  mapping_.reset();  // the next time we may be somewhere else
  direct_connected_now_ = false;
  direct_ended_now_.reset();
  socket_->flush();
}

// The server's address is the server leg's alone; a check says by its USERNAME whom it is for; all else is
// the peer's, or nobody's, as the direct leg finds out.
Leg* MediaLink::leg_of(const net::Datagram& datagram) {
  if (!direct_ || datagram.from == server_) return leg_.get();
  if (net::classify(datagram.data) == net::PacketKind::stun) {
    const auto message = stun::StunMessage::parse(datagram.data);
    const auto username = message ? message->username() : std::nullopt;
    if (username && !username->starts_with(direct_ufrag_ + ":")) return leg_.get();
  }
  return own_socket_ ? nullptr : direct_.get();  // an answer would come from where the peer does not look
}

void MediaLink::close() {
  handlers_ = {};
  if (direct_) direct_->close(now());
  if (leg_) leg_->close(now());
  socket_->flush();
}

void MediaLink::wait_for_datagrams() {
  readable_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                       [this, alive = alive_](const boost::system::error_code& error) {
                         if (*alive && !error) read_datagrams();
                       });
}

void MediaLink::read_datagrams() {
  socket_->receive([this](const net::Datagram& datagram) {
    if (is_mapping_answer(datagram)) return;
    Leg* leg = leg_of(datagram);
    if (leg == nullptr) return;
    const bool authentic = leg->receive(datagram.arrival, datagram.from, datagram.to, datagram.data);
    if (authentic && leg == direct_.get()) note_direct(datagram.arrival, DirectPath::Heard::keep_alive);
  });
  wait_for_datagrams();
  settle();
}

// Several datagrams are told as one: the last, and of these that are RTP the last of them.
void MediaLink::note_direct(TimePoint at, DirectPath::Heard what) {
  if (heard_direct_ && what == DirectPath::Heard::keep_alive) what = heard_direct_->second;
  heard_direct_ = std::pair(at, what);
}

void MediaLink::settle() {
  socket_->flush();
  TimePoint next = leg_ ? leg_->next_timeout() : TimePoint::max();
  if (direct_) next = std::min(next, direct_->next_timeout());
  if (next != timer_at_ && next != TimePoint::max()) {
    timer_at_ = next;
    timer_.expires_at(std::chrono::time_point_cast<Clock::duration>(timer_at_));
    timer_.async_wait([this, alive = alive_](const boost::system::error_code& error) {
      if (!*alive || error) return;
      timer_at_ = TimePoint::max();
      if (leg_) leg_->on_timer(now());
      if (direct_) direct_->on_timer(now());
      settle();
    });
  }
  // A handler may destroy this link.
  const auto alive = alive_;
  if (std::exchange(connected_now_, false) && handlers_.on_connected) {
    const auto tell = handlers_.on_connected;
    tell();
  }
  if (*alive && std::exchange(direct_connected_now_, false) && handlers_.on_direct_connected) {
    const auto tell = handlers_.on_direct_connected;
    tell();
  }
  if (*alive && heard_direct_ && handlers_.on_direct_heard) {
    const auto tell = handlers_.on_direct_heard;
    const auto [at, what] = *std::exchange(heard_direct_, std::nullopt);
    tell(at, what);
  }
  if (*alive && direct_ended_now_ && handlers_.on_direct_end) {
    const auto tell = handlers_.on_direct_end;
    tell(*std::exchange(direct_ended_now_, std::nullopt));
  }
  if (!*alive || !ended_now_ || !handlers_.on_end) return;
  const auto tell = std::move(handlers_.on_end);
  handlers_ = {};
  tell(*ended_now_);
}

void MediaLink::send(const Address& to, const std::optional<IpAddress>& from, Bytes datagram) {
  if (own_socket_ && to != server_) return openings_->send(*own_socket_, to, datagram);
  socket_->queue(to, from, datagram);
}

void MediaLink::send_opening(const Address& to, Bytes datagram) {
  if (openings_) openings_->open(to, datagram);
}

void MediaLink::send_carried(LegId, Bytes packet) {
  if (handlers_.on_packet) handlers_.on_packet(packet);
}

void MediaLink::on_connected(LegId leg) {
  (is_direct(leg) ? direct_connected_now_ : connected_now_) = true;
}

void MediaLink::on_media(LegId leg, const MediaPacket& packet) {
  if (is_direct(leg)) {
    note_direct(packet.arrival, packet.size > 2 ? DirectPath::Heard::sound : DirectPath::Heard::pause);
    if (handlers_.on_direct_media) handlers_.on_direct_media(packet);
    return;
  }
  if (handlers_.on_media) handlers_.on_media(packet);
}

void MediaLink::on_end(LegId leg, LegEnd end) {
  (is_direct(leg) ? direct_ended_now_ : ended_now_) = end;
}

}  // namespace parley::client
