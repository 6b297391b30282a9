#include "tests/unit/transport/dtls/openssl_clock.hpp"

#include <sys/time.h>
#include <time.h>

#include <atomic>

namespace {

// Microseconds; negative: the system's clock.
std::atomic<std::int64_t> virtual_now{-1};

}  // namespace

namespace parley::test {

void set_openssl_clock(TimePoint at) {
  // A day on from 0, which OpenSSL would take for "no timer".
  virtual_now = std::chrono::duration_cast<std::chrono::microseconds>(at.time_since_epoch() + 24h).count();
}

}  // namespace parley::test

// Found by the dynamic linker before the C library's, also for libssl.
extern "C" int gettimeofday(timeval* out, void*) noexcept {
  const auto us = virtual_now.load();
  if (us >= 0) {
    *out = {us / 1'000'000, us % 1'000'000};
    return 0;
  }
  timespec real{};
  clock_gettime(CLOCK_REALTIME, &real);
  *out = {real.tv_sec, real.tv_nsec / 1'000};
  return 0;
}
