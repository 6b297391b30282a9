#include "tests/scenario/udp_relay.hpp"

#include <poll.h>

#include <utility>
#include <vector>

namespace parley::scenario {

namespace {
const Address kLoopback{IpAddress::v4(0x7f000001), 0};
}

UdpRelay::UdpRelay() : inside_(net::UdpSocket::open(kLoopback).value()) {
  thread_ = std::thread([this] { run(); });
}

UdpRelay::~UdpRelay() {
  stop_.store(true);
  thread_.join();
}

// Checks take turns of their own, so that the second port is sure to pass one.
net::UdpSocket& UdpRelay::port_of(Ports& ports, Bytes datagram) {
  const bool check = net::classify(datagram) == net::PacketKind::stun;
  bool& turn = check ? ports.check_by_second : ports.packet_by_second;
  const bool second = alternate_.load() && std::exchange(turn, !turn);
  auto& socket = second ? ports.second : ports.first;
  if (!socket) socket = net::UdpSocket::open(kLoopback).value();
  return *socket;
}

void UdpRelay::run() {
  while (!stop_.load()) {
    std::vector<pollfd> fds{{inside_->fd(), POLLIN, 0}};
    for (const auto& [client, ports] : outside_)
      for (const auto* socket : {&ports.first, &ports.second})
        if (*socket) fds.push_back({(*socket)->fd(), POLLIN, 0});
    ::poll(fds.data(), fds.size(), 5);
    if (rebind_.exchange(false)) {
      // The new sockets are made before the old ones go, so that no port comes back.
      std::map<Address, Ports> fresh;
      for (const auto& [client, ports] : outside_)
        fresh[client].first = net::UdpSocket::open(kLoopback).value();
      outside_.swap(fresh);
    }
    inside_->receive([this](const net::Datagram& datagram) {
      if (blocked_.load()) return;
      auto& socket = port_of(outside_[datagram.from], datagram.data);
      socket.queue(server_, std::nullopt, datagram.data);
      socket.flush();
    });
    for (const auto& [client, ports] : outside_)
      for (const auto* socket : {&ports.first, &ports.second})
        if (*socket)
          (*socket)->receive([&, to = client](const net::Datagram& d) {
            if (!blocked_.load()) inside_->queue(to, std::nullopt, d.data);
          });
    inside_->flush();
  }
}

}  // namespace parley::scenario
