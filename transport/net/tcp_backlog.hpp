// How far a TCP connection is behind with what was written to it (Linux).
//
// A socket's send buffer holds megabytes, and what is in it cannot be taken back: media that is written into
// a stalled connection arrives seconds late and delays all that follows. So who sends media asks before each
// packet, and keeps the packet while the kernel has more than a moment's worth.
#pragma once

#include <cstddef>
#include <optional>

#include "transport/base/time.hpp"

namespace parley::net {

struct TcpBacklog {
  std::size_t unacknowledged = 0;  // bytes the peer has not confirmed, on the way or not sent yet
  Duration round_trip{};           // smoothed, as the kernel measures it
};

// Nothing: not a TCP socket.
std::optional<TcpBacklog> tcp_backlog(int fd);

// May another packet of a stream of media be written? `bytes_per_second`: of that stream. In a healthy
// connection a round trip's worth is on its way; kAllowedWait more is bearable.
class MediaPace {
 public:
  static constexpr Duration kAllowedWait = 200ms;
  static constexpr std::size_t kAlways = 1'000;  // bytes: a few packets say nothing

  void written(TimePoint at, std::size_t bytes);
  bool may_write(TimePoint at, const TcpBacklog& backlog) const;

 private:
  double rate(TimePoint at) const;

  // Bytes of this second and the one before.
  TimePoint second_{};
  std::size_t now_ = 0, before_ = 0;
};

}  // namespace parley::net
