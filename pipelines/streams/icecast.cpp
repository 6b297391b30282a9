#include "pipelines/streams/icecast.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "pipelines/streams/peer_watch.hpp"
#include "pipelines/streams/resolve.hpp"
#include "transport/base/log.hpp"

namespace parley::streams {
namespace {

constexpr std::size_t kMaxHead = 4096;

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

Error last_error(const std::string& what) {
  return Error{what + ": " + std::strerror(errno)};
}

bool wait_for(int fd, short events) {
  pollfd waiting{fd, events, 0};
  return ::poll(&waiting, 1, static_cast<int>(kIcecastTimeout / 1ms)) == 1;
}

std::string base64(std::string_view text) {
  static constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < text.size(); i += 3) {
    std::uint32_t group = 0;
    const std::size_t count = std::min<std::size_t>(3, text.size() - i);
    for (std::size_t k = 0; k < 3; ++k)
      group = group << 8 | (k < count ? static_cast<unsigned char>(text[i + k]) : 0U);
    for (std::size_t k = 0; k < 4; ++k) out += k <= count ? kDigits[group >> (18 - 6 * k) & 63] : '=';
  }
  return out;
}

Status connect_to(int fd, const Address& address) {
  sockaddr_storage storage{};
  const unsigned length = address.to_sockaddr(storage, !address.ip.is_v4());
  const std::string where = address.to_string();
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&storage), length) == 0) return Done{};
  if (errno != EINPROGRESS) return last_error(where);
  if (!wait_for(fd, POLLOUT)) return Error{where + ": no answer in time"};
  int failed = 0;
  socklen_t size = sizeof failed;
  ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &size);
  if (failed != 0) return Error{where + ": " + std::strerror(failed)};
  return Done{};
}

Status send_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const auto sent = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
    if (sent > 0) {
      text = text.substr(static_cast<std::size_t>(sent));
    } else if (errno != EAGAIN && errno != EINTR) {
      return last_error("the server closed the connection");
    } else if (!wait_for(fd, POLLOUT)) {
      return Error{"the server takes no data"};
    }
  }
  return Done{};
}

Result<std::string> read_head(int fd) {
  std::string head;
  while (head.find("\r\n\r\n") == std::string::npos && head.size() < kMaxHead) {
    if (!wait_for(fd, POLLIN)) return Error{"the server does not answer"};
    char buffer[512];
    const auto got = ::recv(fd, buffer, sizeof buffer, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (got < 0) return last_error("the server closed the connection");
    if (got == 0) break;
    head.append(buffer, static_cast<std::size_t>(got));
  }
  return head;
}

}  // namespace

std::string icecast_request(const Target& target, const std::string& content_type, const std::string& title) {
  const bool v6 = target.host.find(':') != std::string::npos;
  return "PUT " + target.path + " HTTP/1.1\r\nHost: " + (v6 ? "[" + target.host + "]" : target.host) + ":" +
         std::to_string(target.port) + "\r\nAuthorization: Basic " +
         base64(target.user + ":" + target.password) +
         "\r\nUser-Agent: parley\r\nContent-Type: " + content_type +
         "\r\nIce-Public: 0\r\nIce-Name: " + log::printable(title, 64) + "\r\nExpect: 100-continue\r\n\r\n";
}

// RFC 9112 section 4: "HTTP/1.1 403 Mountpoint in use".
Status icecast_answer(std::string_view head) {
  const auto line = head.substr(0, head.find_first_of("\r\n"));
  const bool http = line.starts_with("HTTP/1.") && line.size() >= 12 && line[8] == ' ';
  if (!http) return Error{"the server speaks no HTTP"};
  const auto status = line.substr(9, 3);
  if (status == "100" || status == "200") return Done{};
  const auto reason = line.size() > 13 ? log::printable(line.substr(13), 80) : std::string();
  if (status == "401") return Error{"the server refuses this user or password (401)", kRefused};
  return Error{"the server refuses the stream (" + log::printable(status) + " " + reason + ")", kRefused};
}

Result<int> connect_icecast(const Target& target, const IpAddress& address, const std::string& content_type,
                            const std::string& title) {
  Descriptor socket(
      ::socket(address.is_v4() ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (socket.get() < 0) return last_error("socket");
  bound_socket(socket.get());
  if (auto done = connect_to(socket.get(), {address, target.port}); !done) return done.error();
  if (auto done = send_all(socket.get(), icecast_request(target, content_type, title)); !done)
    return done.error();
  const auto head = read_head(socket.get());
  if (!head) return head.error();
  if (auto answer = icecast_answer(*head); !answer) return answer.error();
  return socket.release();
}

}  // namespace parley::streams
