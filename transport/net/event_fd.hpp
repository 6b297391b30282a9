// A wake-up between threads: signal() makes the descriptor readable, drain() makes it quiet again.
#pragma once

namespace parley::net {

class EventFd {
 public:
  EventFd();  // throws std::system_error: a process without descriptors cannot go on
  ~EventFd();
  EventFd(const EventFd&) = delete;
  EventFd& operator=(const EventFd&) = delete;

  int fd() const { return fd_; }
  void signal() noexcept;  // any thread, any number of times; never blocks
  bool drain() noexcept;   // true when it had been signalled

 private:
  int fd_;
};

}  // namespace parley::net
