// A NAT in the small: clients send to the relay's port, the server sees each of them come from a port of its
// own, and the test may change those ports in the middle of a call or let nothing pass.
//
// Threads: one of its own; the methods may be called from any thread.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <thread>

#include "transport/net/udp_socket.hpp"

namespace parley::scenario {

class UdpRelay {
 public:
  UdpRelay();
  ~UdpRelay();
  Address local() const { return inside_->local(); }
  void forward_to(const Address& server) { server_ = server; }  // before traffic comes
  // The mappings are forgotten: the next packet of each client comes from another port, and what is sent to
  // the old ports is lost.
  void rebind() { rebind_.store(true); }
  // Every other packet of each client comes from a second port, as by a host with two uplinks; both are good
  // for the way back.
  void alternate(bool two) { alternate_.store(two); }
  // A firewall that lets no UDP through, in either direction.
  void block(bool blocked) { blocked_.store(blocked); }

 private:
  void run();

  std::unique_ptr<net::UdpSocket> inside_;
  struct Ports {
    std::unique_ptr<net::UdpSocket> first, second;  // the second only where they alternate
    bool check_by_second = false, packet_by_second = false;
  };
  net::UdpSocket& port_of(Ports& ports, Bytes datagram);

  std::map<Address, Ports> outside_;  // by client
  Address server_;
  std::atomic<bool> rebind_{false}, alternate_{false}, blocked_{false}, stop_{false};
  std::thread thread_;
};

}  // namespace parley::scenario
