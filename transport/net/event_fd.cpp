#include "transport/net/event_fd.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <system_error>

namespace parley::net {

EventFd::EventFd() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (fd_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
}

EventFd::~EventFd() {
  ::close(fd_);
}

void EventFd::signal() noexcept {
  // Fails only when 2^64 - 2 signals wait unread, and then the descriptor is readable anyway.
  const std::uint64_t one = 1;
  while (::write(fd_, &one, sizeof one) < 0 && errno == EINTR) {
  }
}

bool EventFd::drain() noexcept {
  std::uint64_t count = 0;
  for (;;) {
    if (::read(fd_, &count, sizeof count) == sizeof count) return true;
    if (errno != EINTR) return false;
  }
}

}  // namespace parley::net
