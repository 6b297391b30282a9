// Waits until one of a few descriptors is readable or a deadline has come (epoll, level triggered).
//
// Threads: one owner thread. Timeouts have the kernel's nanosecond resolution.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "transport/base/time.hpp"

namespace parley::net {

class Poller {
 public:
  static constexpr std::size_t kMaxReady = 16;

  Poller();  // throws std::system_error: a process without descriptors cannot go on
  ~Poller();
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;

  void add(int fd);  // throws std::system_error (a bad or a known descriptor)
  void remove(int fd) noexcept;

  // The readable descriptors, valid until the next call; none when the timeout has passed or a signal came
  // (callers look at the clock). A descriptor with an error counts as readable: reading it tells. A negative
  // timeout is none left: zero.
  std::span<const int> wait(Duration timeout);

 private:
  int fd_;
  std::array<int, kMaxReady> ready_{};
};

}  // namespace parley::net
