// The playout clock in front of simulated devices, in virtual time.
#include "pipelines/device/playout_clock.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <ostream>
#include <string>
#include <vector>

namespace parley::device {
namespace {

// Takes `burst` of sound at a time, by a clock that is `ppm` fast, out of the queue that the writer fills.
class Device {
 public:
  Device(Duration burst, double ppm) : burst_(burst), interval_(burst / (1 + ppm * 1e-6)) {}

  void run_until(TimePoint at) {
    while (next_ <= at) {
      if (queued_ < burst_) underruns.push_back(next_);
      queued_ = std::max(Duration::zero(), queued_ - burst_);
      next_ += std::chrono::duration_cast<Duration>(interval_);
    }
  }
  void write(Duration sound) { queued_ += sound; }
  Duration queued() const { return queued_; }

  std::vector<TimePoint> underruns;

 private:
  Duration burst_;
  std::chrono::duration<double, std::nano> interval_;
  TimePoint next_ = TimePoint{} + 1s;
  Duration queued_ = 20ms;
};

struct Row {
  Duration burst;
  double ppm;
  std::string name() const {
    return std::to_string(burst / 1ms) + "_ms_" + (ppm < 0 ? "slow_by_" : "fast_by_") +
           std::to_string(static_cast<int>(std::abs(ppm)));
  }
  friend void PrintTo(const Row& row, std::ostream* out) { *out << row.name(); }
};

class PlayoutClockTest : public testing::TestWithParam<Row> {};

TEST_P(PlayoutClockTest, NeverRunsDryAndNeverPilesUp) {
  const auto [burst, ppm] = GetParam();
  PlayoutClock clock;
  Device device(burst, ppm);
  TimePoint at = TimePoint{} + 1s;
  const TimePoint settled = at + 20s, end = at + 300s;
  Duration deepest{};
  while (at < end) {
    const TimePoint due = clock.next(at);
    EXPECT_LE(due - at, 25ms);
    at = std::max(at, due);
    device.run_until(at);
    clock.observe(device.queued());
    device.write(PlayoutClock::kPeriod);
    if (at > settled) deepest = std::max(deepest, device.queued());
  }
  const auto late = std::count_if(device.underruns.begin(), device.underruns.end(),
                                  [settled](TimePoint when) { return when > settled; });
  EXPECT_EQ(late, 0);
  EXPECT_LE(to_ms(deepest), to_ms(burst + 60ms));
}

INSTANTIATE_TEST_SUITE_P(Devices, PlayoutClockTest,
                         testing::Values(Row{10ms, 0}, Row{10ms, 300}, Row{10ms, -300}, Row{20ms, 100},
                                         Row{40ms, -100}, Row{80ms, 0}, Row{80ms, 300}, Row{80ms, -300}),
                         [](const auto& instance) { return instance.param.name(); });

TEST(PlayoutClock, BeginsAnewAfterASuspension) {
  PlayoutClock clock;
  TimePoint at = TimePoint{} + 1s;
  at = clock.next(at);
  at += 10s;
  EXPECT_EQ(clock.next(at), at + PlayoutClock::kPeriod);
}

TEST(PlayoutClock, MakesUpForAShortDelay) {
  PlayoutClock clock;
  const TimePoint first = clock.next(TimePoint{} + 1s);
  EXPECT_EQ(clock.next(first + 100ms), first + PlayoutClock::kPeriod);
}

}  // namespace
}  // namespace parley::device
