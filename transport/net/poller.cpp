#include "transport/net/poller.hpp"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace parley::net {
namespace {

// Kernels before 5.11 know only milliseconds; rounded up, so that a deadline has really come.
int wait_in_ms(int fd, epoll_event* events, int count, Duration timeout) {
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(timeout).count();
  return ::epoll_wait(fd, events, count, static_cast<int>(std::min<std::int64_t>(ms, 60'000)));
}

}  // namespace

Poller::Poller() : fd_(::epoll_create1(EPOLL_CLOEXEC)) {
  if (fd_ < 0) throw std::system_error(errno, std::generic_category(), "epoll_create1");
}

Poller::~Poller() {
  ::close(fd_);
}

void Poller::add(int fd) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = fd;
  if (::epoll_ctl(fd_, EPOLL_CTL_ADD, fd, &event) < 0)
    throw std::system_error(errno, std::generic_category(), "epoll_ctl");
}

void Poller::remove(int fd) noexcept {
  epoll_event ignored{};
  ::epoll_ctl(fd_, EPOLL_CTL_DEL, fd, &ignored);
}

std::span<const int> Poller::wait(Duration timeout) {
  const Duration left = std::max(timeout, Duration{0});
  const timespec limit{static_cast<time_t>(left / 1s), static_cast<long>((left % 1s).count())};
  std::array<epoll_event, kMaxReady> events;
  int count = ::epoll_pwait2(fd_, events.data(), static_cast<int>(events.size()), &limit, nullptr);
  if (count < 0 && errno == ENOSYS)
    count = wait_in_ms(fd_, events.data(), static_cast<int>(events.size()), left);
  const auto ready = static_cast<std::size_t>(std::max(count, 0));
  for (std::size_t i = 0; i < ready; ++i) ready_[i] = events[i].data.fd;
  return {ready_.data(), ready};
}

}  // namespace parley::net
