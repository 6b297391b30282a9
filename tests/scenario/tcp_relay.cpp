#include "tests/scenario/tcp_relay.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <stdexcept>

namespace parley::scenario {

namespace {

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in out{};
  out.sin_family = AF_INET;
  out.sin_port = htons(port);
  out.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return out;
}

// Small buffers: what stands still must not disappear in the kernel.
void make_small(int fd) {
  const int bytes = 4'096, yes = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
  ::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
}

}  // namespace

TcpRelay::TcpRelay(const Address& server) : server_(server) {
  listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
  make_small(listener_);  // before the handshake, which tells the window
  auto address = loopback(0);
  socklen_t size = sizeof address;
  if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener_, 8) != 0)
    throw std::runtime_error("no port for the relay");
  ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { run(); });
}

TcpRelay::~TcpRelay() {
  stop_.store(true);
  thread_.join();
  ::close(listener_);
  for (const auto& [client, server] : pairs_) {
    ::close(client);
    ::close(server);
  }
}

void TcpRelay::accept_one() {
  const int client = ::accept(listener_, nullptr, nullptr);
  if (client < 0) return;
  const int server = ::socket(AF_INET, SOCK_STREAM, 0);
  make_small(server);
  const auto address = loopback(server_.port);
  if (::connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    ::close(client);
    ::close(server);
    return;
  }
  pairs_.emplace_back(client, server);
}

bool TcpRelay::pass(int from, int to) {
  std::array<char, 4'096> bytes;
  const ssize_t got = ::recv(from, bytes.data(), bytes.size(), 0);
  if (got <= 0) return false;
  for (ssize_t sent = 0; sent < got;) {
    const ssize_t n = ::send(to, bytes.data() + sent, static_cast<std::size_t>(got - sent), MSG_NOSIGNAL);
    if (n <= 0) return false;
    sent += n;
    passed_.fetch_add(static_cast<std::uint64_t>(n));
  }
  return true;
}

void TcpRelay::run() {
  while (!stop_.load()) {
    std::vector<pollfd> fds{{listener_, POLLIN, 0}};
    for (const auto& [client, server] : pairs_) {
      fds.push_back({client, POLLIN, 0});
      fds.push_back({server, POLLIN, 0});
    }
    if (still_.load()) fds.resize(1);
    ::poll(fds.data(), fds.size(), 5);
    if ((fds[0].revents & POLLIN) != 0) accept_one();
    if (still_.load()) continue;
    for (std::size_t i = 1; i + 1 < fds.size(); i += 2) {
      const auto [client, server] = pairs_[(i - 1) / 2];
      const bool open =
          (fds[i].revents == 0 || pass(client, server)) && (fds[i + 1].revents == 0 || pass(server, client));
      if (open) continue;
      ::shutdown(client, SHUT_RDWR);
      ::shutdown(server, SHUT_RDWR);
    }
  }
}

}  // namespace parley::scenario
