#include "transport/base/thread_priority.hpp"

#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace parley {

namespace {

constexpr int kRealtime = 10;              // below the kernel's own threads (50)
constexpr int kNice = -11;                 // what desktops give to audio
constexpr std::uint64_t kSlice = 100'000;  // ns
constexpr std::uint64_t kResetOnFork = 1;

// struct sched_attr of sched_setattr(2), first version: the C library has none.
struct SchedulingAttributes {
  std::uint32_t size = sizeof(SchedulingAttributes);
  std::uint32_t policy = SCHED_OTHER;
  std::uint64_t flags = kResetOnFork;
  std::int32_t nice = 0;
  std::uint32_t priority = 0;
  std::uint64_t runtime = kSlice;  // since Linux 6.12: who asks for short slices is let in sooner
  std::uint64_t deadline = 0;
  std::uint64_t period = 0;
};

bool set_nice(int nice) {
  SchedulingAttributes attributes;
  attributes.nice = nice;
  return ::syscall(SYS_sched_setattr, 0, &attributes, 0) == 0;
}

}  // namespace

const char* to_string(ThreadPriority priority) {
  switch (priority) {
    case ThreadPriority::high:
      return "high";
    case ThreadPriority::realtime:
      return "realtime";
    case ThreadPriority::normal:
      break;
  }
  return "normal";
}

ThreadPriority raise_this_thread(ThreadPriority wanted) {
  if (wanted == ThreadPriority::normal) return wanted;
  sched_param parameters{};
  parameters.sched_priority = kRealtime;
  if (wanted == ThreadPriority::realtime &&
      pthread_setschedparam(pthread_self(), SCHED_RR | SCHED_RESET_ON_FORK, &parameters) == 0)
    return wanted;
  if (set_nice(kNice)) return ThreadPriority::high;
  set_nice(0);  // short slices alone need no privilege
  return ThreadPriority::normal;
}

}  // namespace parley
