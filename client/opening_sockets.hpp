// Many UDP sockets for some seconds, each of which makes a symmetric NAT open another port towards the peer.
// One of them may become the direct path's own; the others are then closed.
//
// Light, unlike net::UdpSocket: no batches, small buffers. Threads: the network thread's.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>
#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "transport/base/address.hpp"
#include "transport/base/bytes.hpp"

namespace parley::client {

class OpeningSockets {
 public:
  // Which socket, from where, what. May call keep() and send(), and destroy this object.
  using Handler = std::function<void(std::size_t socket, const Address& from, Bytes datagram)>;

  OpeningSockets(boost::asio::io_context& context, Handler handler);
  ~OpeningSockets();
  OpeningSockets(const OpeningSockets&) = delete;
  OpeningSockets& operator=(const OpeningSockets&) = delete;

  // From a new socket. Nothing is sent where the process has used up half of the descriptors it may have:
  // they are there for others, too.
  void open(const Address& to, Bytes datagram);
  void send(std::size_t socket, const Address& to, Bytes datagram);
  // Closes all others, now and for good.
  void keep(std::size_t socket);
  std::size_t open_sockets() const;

 private:
  using Socket = boost::asio::ip::udp::socket;
  void wait(std::size_t socket);
  void read(std::size_t socket);

  boost::asio::io_context& context_;
  Handler handler_;
  std::vector<std::unique_ptr<Socket>> sockets_;  // none: closed
  bool kept_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace parley::client
