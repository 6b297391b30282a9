#include "client/suspend_watch.hpp"

#include <ctime>

namespace parley::client {

Duration time_since_boot() {
  timespec time{};
  ::clock_gettime(CLOCK_BOOTTIME, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

}  // namespace parley::client
