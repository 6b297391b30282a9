// An Icecast server of a few lines, which tests can make refuse, freeze and die.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace parley::streaming {

class FakeIcecast {
 public:
  enum class Buffer { small, usual };  // what a connection takes without being read
  explicit FakeIcecast(Buffer buffer = Buffer::small)
      : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address);
    socklen_t size = sizeof address;
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    const int small = 4'096;
    if (buffer == Buffer::small) ::setsockopt(listener_, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    ::listen(listener_, kQueue);
    thread_ = std::thread([this] { run(); });
  }
  ~FakeIcecast() {
    stopping_ = true;
    thread_.join();
    ::close(listener_);
  }

  std::string url() const { return "icecast://source:s3cret@127.0.0.1:" + std::to_string(port_) + "/x.opus"; }
  void refuse(bool refuse) { refuse_ = refuse; }
  void hang_up() { hang_up_ = true; }
  void freeze() { frozen_ = true; }  // takes no more, with the connection open
  // More connections than the system keeps for one that accepts none, until the returned are gone.
  std::vector<std::shared_ptr<const int>> fill_queue() const {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(port_));
    std::vector<std::shared_ptr<const int>> queue;
    for (int i = 0; i < 2 * kQueue; ++i) {
      const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
      ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
      queue.emplace_back(new int(fd), [](const int* one) {
        ::close(*one);
        delete one;
      });
    }
    return queue;
  }
  int connections() const { return connections_; }
  std::string received() const {
    const std::lock_guard lock(lock_);
    return received_;
  }

 private:
  static constexpr int kQueue = 8;

  static bool readable(int fd) {
    pollfd waiting{fd, POLLIN, 0};
    return ::poll(&waiting, 1, 20) == 1;
  }
  void run() {
    while (!stopping_) {
      if (!readable(listener_)) continue;
      const int peer = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      ++connections_;
      serve(peer);
      ::close(peer);
    }
  }
  void serve(int peer) {
    std::string head;
    char buffer[2048];
    while (!stopping_ && head.find("\r\n\r\n") == std::string::npos) {
      if (!readable(peer)) continue;
      const auto got = ::recv(peer, buffer, sizeof buffer, 0);
      if (got <= 0) return;
      head.append(buffer, static_cast<std::size_t>(got));
    }
    const std::string answer =
        refuse_ ? "HTTP/1.0 401 Authentication Required\r\n\r\n" : "HTTP/1.1 100 Continue\r\n\r\n";
    ::send(peer, answer.data(), answer.size(), MSG_NOSIGNAL);
    while (!stopping_ && !refuse_ && !hang_up_.exchange(false)) {
      if (frozen_) {
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        continue;
      }
      if (!readable(peer)) continue;
      const auto got = ::recv(peer, buffer, sizeof buffer, 0);
      if (got <= 0) return;
      const std::lock_guard lock(lock_);
      received_.append(buffer, static_cast<std::size_t>(got));
    }
  }

  int listener_;
  unsigned port_ = 0;
  std::atomic<bool> stopping_{false}, refuse_{false}, hang_up_{false}, frozen_{false};
  std::atomic<int> connections_{0};
  mutable std::mutex lock_;
  std::string received_;
  std::thread thread_;
};

}  // namespace parley::streaming
