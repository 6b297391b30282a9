#include "client/opening_sockets.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <utility>

#include "client/endpoint.hpp"

namespace parley::client {

namespace {

using ErrorCode = boost::system::error_code;

constexpr std::size_t kDatagram = 2048;

bool is_spare(int descriptor) {
  rlimit limit{};
  return ::getrlimit(RLIMIT_NOFILE, &limit) == 0 && static_cast<rlim_t>(descriptor) < limit.rlim_cur / 2;
}

}  // namespace

OpeningSockets::OpeningSockets(boost::asio::io_context& context, Handler handler)
    : context_(context), handler_(std::move(handler)) {}

OpeningSockets::~OpeningSockets() {
  *alive_ = false;
}

void OpeningSockets::open(const Address& to, Bytes datagram) {
  if (kept_) return;
  auto socket = std::make_unique<Socket>(context_);
  ErrorCode error;
  socket->open(to_endpoint(to).protocol(), error);
  if (error || !is_spare(socket->native_handle())) return;
  socket->non_blocking(true, error);
  sockets_.push_back(std::move(socket));
  send(sockets_.size() - 1, to, datagram);
  wait(sockets_.size() - 1);
}

void OpeningSockets::send(std::size_t socket, const Address& to, Bytes datagram) {
  if (socket >= sockets_.size() || !sockets_[socket]) return;
  ErrorCode ignored;  // media is never queued, and a refused datagram is one without an answer
  sockets_[socket]->send_to(boost::asio::buffer(datagram.data(), datagram.size()), to_endpoint(to), 0,
                            ignored);
}

void OpeningSockets::keep(std::size_t socket) {
  kept_ = true;
  for (std::size_t i = 0; i < sockets_.size(); ++i)
    if (i != socket) sockets_[i].reset();
}

std::size_t OpeningSockets::open_sockets() const {
  return static_cast<std::size_t>(
      std::count_if(sockets_.begin(), sockets_.end(), [](const auto& socket) { return socket != nullptr; }));
}

void OpeningSockets::wait(std::size_t socket) {
  sockets_[socket]->async_wait(Socket::wait_read, [this, socket, alive = alive_](const ErrorCode& error) {
    if (*alive && !error && sockets_[socket]) read(socket);
  });
}

void OpeningSockets::read(std::size_t socket) {
  std::array<std::uint8_t, kDatagram> buffer;
  const auto alive = alive_;
  // An error of a datagram sent before, as ICMP brings it, is told by the next call: that is no end.
  for (int reads = 0; reads < 64; ++reads) {
    boost::asio::ip::udp::endpoint from;
    ErrorCode error;
    const auto size = sockets_[socket]->receive_from(boost::asio::buffer(buffer), from, 0, error);
    if (error == boost::asio::error::would_block) break;
    if (error) continue;
    handler_(socket, from_endpoint(from), Bytes(buffer).first(size));
    if (!*alive || !sockets_[socket]) return;
  }
  wait(socket);
}

}  // namespace parley::client
