#include "client/media_link.hpp"

#include <utility>

namespace parley::client {

Result<std::unique_ptr<MediaLink>> MediaLink::open(boost::asio::io_context& context, const Address& bind_to,
                                                   MediaHandlers handlers) {
  auto socket = net::UdpSocket::open(bind_to);
  if (!socket) return socket.error();
  return std::unique_ptr<MediaLink>(new MediaLink(context, std::move(*socket), std::move(handlers)));
}

MediaLink::MediaLink(boost::asio::io_context& context, std::unique_ptr<net::UdpSocket> socket,
                     MediaHandlers handlers)
    : socket_(std::move(socket)),
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
  leg_ = std::make_unique<Leg>(config, identity, static_cast<LegOutput&>(*this), now());
  settle();
}

void MediaLink::send(const Uplink::Packet& packet) {
  if (!leg_) return;
  RtpOut out;
  out.payload = packet.data();
  out.media_time = packet.media_time;
  out.marker = packet.marker;
  out.level = packet.level;
  out.voice = packet.voice;
  leg_->send_rtp(now(), out);
}

void MediaLink::close() {
  handlers_ = {};
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
    if (leg_) leg_->receive(datagram.arrival, datagram.from, datagram.to, datagram.data);
  });
  wait_for_datagrams();
  settle();
}

void MediaLink::settle() {
  socket_->flush();
  if (leg_ && leg_->next_timeout() != timer_at_) {
    timer_at_ = leg_->next_timeout();
    timer_.expires_at(std::chrono::time_point_cast<Clock::duration>(timer_at_));
    timer_.async_wait([this, alive = alive_](const boost::system::error_code& error) {
      if (!*alive || error) return;
      timer_at_ = TimePoint::max();
      leg_->on_timer(now());
      settle();
    });
  }
  // A handler may destroy this link.
  const auto alive = alive_;
  if (std::exchange(connected_now_, false) && handlers_.on_connected) {
    const auto tell = handlers_.on_connected;
    tell();
  }
  if (!*alive || !ended_now_ || !handlers_.on_end) return;
  const auto tell = std::move(handlers_.on_end);
  handlers_ = {};
  tell(*ended_now_);
}

void MediaLink::send(const Address& to, const std::optional<IpAddress>& from, Bytes datagram) {
  socket_->queue(to, from, datagram);
}

void MediaLink::on_connected(LegId) {
  connected_now_ = true;
}

void MediaLink::on_media(LegId, const MediaPacket& packet) {
  if (handlers_.on_media) handlers_.on_media(packet);
}

void MediaLink::on_end(LegId, LegEnd end) {
  ended_now_ = end;
}

}  // namespace parley::client
