// Plain STUN Binding requests (RFC 8489), answered on the media port, and on a second one where there is one:
// by that a client finds out what its NAT does (RFC 5780): whether it looks the same from both ports, and
// whether an answer gets in from the port it has not spoken to. With one IP address only these two of the
// RFC's questions can be put.
//
// Nobody may use us to shout at a third party: all answers go to where the request came from, none is longer
// than 1.6 times its request, and each address has a rate.
//
// Threads: net-0's.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "transport/leg/binding_limiter.hpp"
#include "transport/net/udp_socket.hpp"
#include "transport/stun/stun_message.hpp"

namespace parley {

class BindingService {
 public:
  struct Counts {
    std::uint64_t answered = 0, refused = 0;
  };

  // `second` may be none.
  BindingService(net::UdpSocket& first, std::unique_ptr<net::UdpSocket> second);

  // Of a request that came to the media port and has no USERNAME.
  void answer(const net::Datagram& datagram, const stun::StunMessage& request);
  // Negative: there is no second port.
  int second_fd() const { return second_ ? second_->fd() : -1; }
  // What is there on the second port, some of it at most: level-triggered waiting comes back for the rest.
  void serve_second();
  void flush();
  const Counts& counts() const { return counts_; }

 private:
  void answer(net::UdpSocket& socket, net::UdpSocket* other, const net::Datagram& datagram,
              const stun::StunMessage& request);

  net::UdpSocket& first_;
  std::unique_ptr<net::UdpSocket> second_;
  BindingLimiter limiter_;
  Counts counts_;
};

}  // namespace parley
