#include "client/pacer.hpp"

#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>
#include <set>

#include "client/audio_loop.hpp"

namespace parley::client {
namespace {

// Collects the deadlines that steps were given and lets a test wait for a number of them.
class Deadlines {
 public:
  void add(TimePoint at) {
    {
      const std::lock_guard lock(mutex_);
      all_.push_back(at);
    }
    changed_.notify_all();
  }
  std::vector<TimePoint> wait_for(std::size_t count) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, 10s, [&] { return all_.size() >= count; }));
    return all_;
  }
  std::size_t count() {
    const std::lock_guard lock(mutex_);
    return all_.size();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<TimePoint> all_;
};

TEST(Pacer, DeadlinesAreExactlyOnePeriodApart) {
  Deadlines deadlines;
  Pacer pacer("test-pacer", 2ms);
  pacer.add([&](TimePoint at) { deadlines.add(at); });
  const auto all = deadlines.wait_for(50);
  for (std::size_t i = 1; i < 50; ++i) EXPECT_EQ(all[i] - all[i - 1], 2ms);
}

TEST(Pacer, MakesUpForALateStep) {
  Deadlines deadlines;
  Pacer pacer("test-pacer", 2ms);
  bool slept = false;
  pacer.add([&](TimePoint at) {
    if (!std::exchange(slept, true)) std::this_thread::sleep_for(50ms);  // the machine had other things to do
    deadlines.add(at);
  });
  const auto all = deadlines.wait_for(50);
  for (std::size_t i = 1; i < 50; ++i) EXPECT_EQ(all[i] - all[i - 1], 2ms);
  EXPECT_EQ(pacer.skipped(), 0U);
}

TEST(Pacer, SpreadsStepsOverThePeriod) {
  Deadlines deadlines[4];
  Pacer pacer("test-pacer", 20ms, 4);
  for (auto& each : deadlines) pacer.add([&each](TimePoint at) { each.add(at); });
  std::set<Duration> phases;
  for (auto& each : deadlines) {
    const auto all = each.wait_for(2);
    EXPECT_EQ(all[1] - all[0], 20ms);
    phases.insert(all[0].time_since_epoch() % 20ms);
  }
  EXPECT_EQ(phases.size(), 4U);
}

TEST(Pacer, AfterRemoveAStepDoesNotRun) {
  Deadlines deadlines, others;
  Pacer pacer("test-pacer", 1ms);
  const auto id = pacer.add([&](TimePoint at) { deadlines.add(at); });
  pacer.add([&](TimePoint at) { others.add(at); });
  deadlines.wait_for(3);
  pacer.remove(id);
  const auto count = deadlines.count();
  others.wait_for(others.count() + 20);
  EXPECT_EQ(deadlines.count(), count);
}

TEST(AudioLoop, RunsByTheClockOrByTheDevice) {
  Deadlines clock, device;
  {
    AudioLoop by_clock("test-clock", 2ms, false, [&](TimePoint at) { clock.add(at); });
    AudioLoop by_device("test-device", 2ms, true, [&](TimePoint at) {
      std::this_thread::sleep_for(1ms);  // what a device does
      device.add(at);
    });
    clock.wait_for(5);
    device.wait_for(5);
  }
  const auto stopped = clock.count() + device.count();
  EXPECT_EQ(clock.count() + device.count(), stopped);
}

}  // namespace
}  // namespace parley::client
