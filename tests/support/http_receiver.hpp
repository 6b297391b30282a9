// A web server of a few lines that takes POSTs, keeps them, and answers what it is told.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace parley::test {

class HttpReceiver {
 public:
  struct Request {
    std::string line, body;
    std::map<std::string, std::string> headers;  // names as they came
  };

  HttpReceiver() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address);
    socklen_t size = sizeof address;
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    ::listen(listener_, 8);
    thread_ = std::thread([this] { run(); });
  }
  ~HttpReceiver() {
    stopping_ = true;
    thread_.join();
    ::close(listener_);
  }
  HttpReceiver(const HttpReceiver&) = delete;
  HttpReceiver& operator=(const HttpReceiver&) = delete;

  int port() const { return port_; }
  void answer(int status) { status_ = status; }
  int connections() const { return connections_; }
  std::vector<Request> requests() const {
    const std::lock_guard lock(lock_);
    return requests_;
  }

 private:
  static bool readable(int fd, int ms) {
    pollfd waiting{fd, POLLIN, 0};
    return ::poll(&waiting, 1, ms) == 1;
  }
  void run() {
    while (!stopping_) {
      if (!readable(listener_, 20)) continue;
      const int peer = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      ++connections_;
      serve(peer);
      ::close(peer);
    }
  }
  void serve(int peer) {
    std::string text;
    char part[4'096];
    std::size_t head = std::string::npos, wanted = 0;
    while (head == std::string::npos || text.size() < head + 4 + wanted) {
      if (!readable(peer, 2'000)) return;
      const auto size = ::recv(peer, part, sizeof part, 0);
      if (size <= 0) return;
      text.append(part, static_cast<std::size_t>(size));
      head = text.find("\r\n\r\n");
      if (head == std::string::npos) continue;
      const auto length = text.find("Content-Length: ");
      wanted = length < head ? std::strtoul(text.c_str() + length + 16, nullptr, 10) : 0;
    }
    Request request;
    request.body = text.substr(head + 4);
    for (std::size_t at = 0; at < head;) {
      const auto end = text.find("\r\n", at);
      const auto line = text.substr(at, end - at);
      const auto colon = line.find(": ");
      if (at == 0)
        request.line = line;
      else if (colon != std::string::npos)
        request.headers[line.substr(0, colon)] = line.substr(colon + 2);
      at = end + 2;
    }
    {
      const std::lock_guard lock(lock_);
      requests_.push_back(std::move(request));
    }
    const auto answer = "HTTP/1.1 " + std::to_string(status_) + " As Told\r\nContent-Length: 0\r\n\r\n";
    ::send(peer, answer.data(), answer.size(), MSG_NOSIGNAL);
  }

  int listener_;
  int port_ = 0;
  std::atomic<bool> stopping_{false};
  std::atomic<int> status_{200}, connections_{0};
  mutable std::mutex lock_;
  std::vector<Request> requests_;
  std::thread thread_;
};

}  // namespace parley::test
