#include "transport/net/tcp_backlog.hpp"

#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <utility>

namespace parley::net {

std::optional<TcpBacklog> tcp_backlog(int fd) {
  int queued = 0;
  tcp_info info{};
  socklen_t size = sizeof info;
  if (::ioctl(fd, SIOCOUTQ, &queued) != 0 || queued < 0) return std::nullopt;
  if (::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return std::nullopt;
  return TcpBacklog{static_cast<std::size_t>(queued), std::chrono::microseconds(info.tcpi_rtt)};
}

void MediaPace::written(TimePoint at, std::size_t bytes) {
  if (at - second_ >= 2s) {
    before_ = now_ = 0;
    second_ = at;
  } else if (at - second_ >= 1s) {
    before_ = std::exchange(now_, 0);
    second_ += 1s;
  }
  now_ += bytes;
}

double MediaPace::rate(TimePoint at) const {
  const double into = std::clamp(to_seconds(at - second_), 0.0, 1.0);
  return static_cast<double>(now_) + static_cast<double>(before_) * (1 - into);
}

bool MediaPace::may_write(TimePoint at, const TcpBacklog& backlog) const {
  const double bearable = rate(at) * to_seconds(backlog.round_trip + kAllowedWait);
  return backlog.unacknowledged <= kAlways + static_cast<std::size_t>(bearable);
}

}  // namespace parley::net
