// What the system grants depends on who runs the tests: what is said must be what is.
#include "transport/base/thread_priority.hpp"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

namespace parley {
namespace {

struct Seen {
  ThreadPriority granted = ThreadPriority::normal;
  int policy = -1;
  int nice = 0;
  int policy_of_child = -1;
  int nice_of_child = 0;
};

Seen raise(ThreadPriority wanted) {
  Seen seen;
  std::thread([&] {
    seen.granted = raise_this_thread(wanted);
    seen.policy = sched_getscheduler(0) & ~SCHED_RESET_ON_FORK;
    seen.nice = getpriority(PRIO_PROCESS, static_cast<id_t>(gettid()));
    std::thread([&] {
      seen.policy_of_child = sched_getscheduler(0) & ~SCHED_RESET_ON_FORK;
      seen.nice_of_child = getpriority(PRIO_PROCESS, static_cast<id_t>(gettid()));
    }).join();
  }).join();
  return seen;
}

TEST(ThreadPriority, IsWhatItSaysAndNotInherited) {
  const int ours = getpriority(PRIO_PROCESS, 0);
  for (const auto wanted : {ThreadPriority::normal, ThreadPriority::high, ThreadPriority::realtime}) {
    const Seen seen = raise(wanted);
    EXPECT_LE(seen.granted, wanted);
    EXPECT_EQ(seen.policy, seen.granted == ThreadPriority::realtime ? SCHED_RR : SCHED_OTHER)
        << to_string(wanted);
    if (seen.granted == ThreadPriority::high) {
      EXPECT_EQ(seen.nice, -11);
    }
    if (wanted == ThreadPriority::normal) {
      EXPECT_EQ(seen.nice, ours);
    }
    EXPECT_EQ(seen.policy_of_child, SCHED_OTHER);
    EXPECT_GE(seen.nice_of_child, std::min(ours, 0));
  }
}

TEST(ThreadPriority, HasNames) {
  EXPECT_STREQ(to_string(ThreadPriority::normal), "normal");
  EXPECT_STREQ(to_string(ThreadPriority::high), "high");
  EXPECT_STREQ(to_string(ThreadPriority::realtime), "realtime");
}

}  // namespace
}  // namespace parley
