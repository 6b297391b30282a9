#include "transport/net/event_fd.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "transport/net/poller.hpp"

namespace parley::net {
namespace {

TEST(EventFd, DrainTellsWhetherItWasSignalled) {
  EventFd event;
  EXPECT_FALSE(event.drain());
  event.signal();
  event.signal();
  EXPECT_TRUE(event.drain());
  EXPECT_FALSE(event.drain());
}

TEST(Poller, WaitsForADescriptor) {
  EventFd one, two;
  Poller poller;
  poller.add(one.fd());
  poller.add(two.fd());
  EXPECT_TRUE(poller.wait(0ns).empty());

  two.signal();
  auto ready = poller.wait(10s);
  ASSERT_EQ(ready.size(), 1U);
  EXPECT_EQ(ready[0], two.fd());
  EXPECT_EQ(poller.wait(10s).size(), 1U) << "level triggered: it stays ready until it is read";

  one.signal();
  EXPECT_EQ(poller.wait(10s).size(), 2U);
  two.drain();
  ready = poller.wait(10s);
  ASSERT_EQ(ready.size(), 1U);
  EXPECT_EQ(ready[0], one.fd());

  poller.remove(one.fd());
  EXPECT_TRUE(poller.wait(0ns).empty());
}

TEST(Poller, KeepsToItsTimeout) {
  EventFd event;
  Poller poller;
  poller.add(event.fd());
  for (const Duration timeout : {Duration(0ns), Duration(500us), Duration(3ms), Duration(20ms)}) {
    const TimePoint begin = now();
    EXPECT_TRUE(poller.wait(timeout).empty());
    EXPECT_GE(now() - begin, timeout);
  }
  EXPECT_TRUE(poller.wait(-5s).empty()) << "a deadline that has passed";
}

TEST(Poller, RefusesBadDescriptors) {
  Poller poller;
  EventFd event;
  EXPECT_THROW(poller.add(-1), std::system_error);
  poller.add(event.fd());
  EXPECT_THROW(poller.add(event.fd()), std::system_error);
  poller.remove(-1);
}

TEST(EventFd, WakesAPollerFromOtherThreads) {
  EventFd event;
  Poller poller;
  poller.add(event.fd());
  constexpr int kThreads = 4;
  constexpr int kSignals = 1'000;
  std::atomic<int> posted{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < kSignals; ++i) {
        posted.fetch_add(1);
        event.signal();
      }
    });
  }
  // What was posted before a signal is seen after its wake-up: no work is left lying.
  int seen = 0;
  while (seen < kThreads * kSignals) {
    ASSERT_FALSE(poller.wait(30s).empty());
    EXPECT_TRUE(event.drain());
    seen = posted.load();
  }
  for (auto& thread : threads) thread.join();
}

}  // namespace
}  // namespace parley::net
