#include "pipelines/streams/mix_clock.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <vector>

namespace parley::streams {
namespace {

constexpr std::uint64_t kTick = 960;
const TimePoint kStart = TimePoint{} + 1h;
const ByteBuffer kVoice(40, 0x48);  // SILK wideband, 20 ms, mono; what is in it does not matter here

struct Given {
  std::uint64_t position = 0;
  bool filler = false;
  std::uint8_t toc = 0;
  auto operator<=>(const Given&) const = default;
};

class MixClockTest : public testing::Test {
 protected:
  using There = std::function<bool(int)>;

  // The room ticks every 20 ms; `there(i)`: does tick i make a packet?
  void run(int ticks, const There& there) {
    for (int i = 0; i < ticks; ++i) {
      tick(there(i));
      step();
    }
  }
  void tick(bool packet) {
    if (packet) clock_.push(at_, kVoice);
    passed_ = at_;
    at_ += 20ms;
  }
  void step() { step(passed_); }
  void step(TimePoint at) {
    clock_.step(at, passed_, [this](const MixFrame& frame) {
      const std::uint64_t expected = given_.empty() ? 0 : given_.back().position + kTick;
      EXPECT_EQ(frame.position, expected);
      given_.push_back({frame.position, frame.filler, frame.packet.front()});
    });
  }
  std::size_t fillers() const {
    return static_cast<std::size_t>(
        std::count_if(given_.begin(), given_.end(), [](const Given& g) { return g.filler; }));
  }
  static bool always(int /*tick*/) { return true; }
  static bool never(int /*tick*/) { return false; }

  TimePoint at_ = kStart + 7ms;  // the room's grid is its own
  TimePoint passed_ = TimePoint::min();
  MixClock clock_{20ms, kStart};
  std::vector<Given> given_;
};

TEST_F(MixClockTest, PassesOnWhatComes) {
  run(100, always);
  EXPECT_EQ(given_.size(), 100U);
  EXPECT_EQ(fillers(), 0U);
}

TEST_F(MixClockTest, ASilentRoomIsSilentWithoutDelay) {
  run(500, never);
  EXPECT_EQ(given_.size(), 500U);
  EXPECT_EQ(fillers(), 500U);
}

TEST_F(MixClockTest, FillsThePausesOfDtx) {
  run(500, [](int i) { return i < 50 || i % 20 == 0 || i > 400; });
  EXPECT_EQ(given_.size(), 500U);
  EXPECT_EQ(given_.size() - fillers(), 50U + 18 + 99);
  EXPECT_EQ(given_[60].toc, 0x48);  // the filler continues the stream that was heard last
  EXPECT_EQ(clock_.late(), 0U);
}

// Speech with pauses and losses, fetched by a thread that comes when it gets the processor: every 20 ms,
// every 160 ms, or once in two seconds, and with its own idea of the time. What comes out is the same to the
// byte.
TEST_F(MixClockTest, HoweverLateItIsFetchedTheStreamIsTheSame) {
  const There there = [](int i) { return i % 50 < 30 && i % 17 != 0; };
  run(1'000, there);
  const auto punctual = given_;
  ASSERT_EQ(punctual.size(), 1'000U);
  for (const int every : {1, 2, 8, 25, 100}) {
    MixClock late(20ms, kStart);
    std::vector<Given> given;
    TimePoint at = kStart + 7ms;
    for (int i = 0; i < 1'000; ++i, at += 20ms) {
      if (there(i)) late.push(at, kVoice);
      if (i % every != every - 1) continue;
      late.step(at + every * 3ms, at, [&](const MixFrame& f) {
        given.push_back({f.position, f.filler, f.packet.front()});
      });
    }
    EXPECT_EQ(late.late(), 0U) << every;
    EXPECT_TRUE(given == punctual) << every;
  }
}

// The mix thread of a loaded machine skips ticks, in the room's time as on the wall: they are filled, no
// more.
TEST_F(MixClockTest, SkippedTicksAreFilledExactly) {
  run(50, always);
  for (const int skipped : {1, 7, 30}) {
    at_ += skipped * 20ms;
    run(50, always);
  }
  EXPECT_EQ(given_.size(), 200U + 38);
  EXPECT_EQ(fillers(), 38U);
  EXPECT_EQ(clock_.late(), 0U);
}

TEST_F(MixClockTest, AMixThreadThatIsHeldUpLosesNothingWithinItsPatience) {
  run(50, always);
  // Nothing is known of the room for 900 ms, then all comes at once.
  const auto before = given_.size();
  for (TimePoint at = at_; at < at_ + 900ms; at += 20ms) step(at);
  EXPECT_EQ(given_.size(), before);
  for (int i = 0; i < 45; ++i) tick(true);
  step();
  EXPECT_EQ(given_.size(), 95U);
  EXPECT_EQ(fillers(), 0U);
}

TEST_F(MixClockTest, ARoomThatStandsStillIsSilentInRealTimeAndGoesOn) {
  run(50, always);
  const TimePoint stopped = at_;
  for (; at_ < stopped + 10s; at_ += 20ms) step(at_);
  EXPECT_NEAR(static_cast<double>(given_.size()), 50 + 500 - 50, 2);
  run(50, always);
  EXPECT_EQ(given_.size(), 600U);
  EXPECT_EQ(clock_.late(), 0U);
}

TEST_F(MixClockTest, WhatComesBehindItsFillerIsDroppedNotPlayedLate) {
  run(50, always);
  const TimePoint stopped = at_;
  step(stopped + 3s);
  for (int i = 0; i < 10; ++i) tick(true);
  step(stopped + 3s);
  EXPECT_EQ(clock_.late(), 10U);
  at_ = stopped + 3s;
  run(50, always);
  EXPECT_EQ(given_.size(), 250U);
}

TEST_F(MixClockTest, ARoomBuiltAnewWithAnotherPhaseGoesOnWithoutAGap) {
  run(100, always);
  at_ += 1s + 13ms;
  run(100, always);
  EXPECT_NEAR(static_cast<double>(given_.size()), 250, 1);
  EXPECT_NEAR(static_cast<double>(fillers()), 50, 1);
}

TEST_F(MixClockTest, RubbishIsPassedOver) {
  clock_.push(at_, {});
  const ByteBuffer bad = {0x03, 0x00};  // code 3 with no frames
  clock_.push(at_, bad);
  for (int i = 0; i < 5'000; ++i) clock_.push(at_ + i * 20ms, kVoice);
  passed_ = at_;
  step();
  EXPECT_LE(given_.size(), MixClock::kMaxWaiting);
}

}  // namespace
}  // namespace parley::streams
