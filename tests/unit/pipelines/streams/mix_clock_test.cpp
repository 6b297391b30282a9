#include "pipelines/streams/mix_clock.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace parley::streams {
namespace {

constexpr std::uint64_t kTick = 960;
const TimePoint kStart = TimePoint{} + 1h;
const ByteBuffer kVoice(40, 0x48);  // SILK wideband, 20 ms, mono; what is in it does not matter here

struct Given {
  std::uint64_t position;
  bool filler;
  std::uint8_t toc;
};

class MixClockTest : public testing::Test {
 protected:
  // Runs the clock every 20 ms; `packet(i)`: is there one at tick i?
  template <typename There>
  void run(int ticks, There&& there, std::uint64_t first_media = 0) {
    for (int i = 0; i < ticks; ++i) {
      if (there(i)) clock_.push(first_media + static_cast<std::uint64_t>(i) * kTick, kVoice, at_);
      step();
      at_ += 20ms;
    }
  }
  void step() {
    clock_.step(at_, [this](const MixFrame& frame) {
      const std::uint64_t expected = given_.empty() ? 0 : given_.back().position + kTick;
      EXPECT_EQ(frame.position, expected);
      given_.push_back({frame.position, frame.filler, frame.packet.front()});
    });
  }
  std::size_t fillers() const {
    return static_cast<std::size_t>(
        std::count_if(given_.begin(), given_.end(), [](const Given& g) { return g.filler; }));
  }

  TimePoint at_ = kStart;
  MixClock clock_{20ms, kStart};
  std::vector<Given> given_;
};

TEST_F(MixClockTest, PassesOnWhatComes) {
  run(100, [](int) { return true; });
  EXPECT_EQ(given_.size(), 100U);
  EXPECT_EQ(fillers(), 0U);
}

TEST_F(MixClockTest, AnEmptyRoomIsSilentInRealTime) {
  run(500, [](int) { return false; });
  EXPECT_NEAR(static_cast<double>(given_.size()), 500 - 10, 2);
  EXPECT_EQ(fillers(), given_.size());
}

TEST_F(MixClockTest, FillsThePausesOfDtx) {
  run(500, [](int i) { return i < 50 || i % 20 == 0 || i > 400; });
  EXPECT_GE(given_.size(), 499U);
  EXPECT_EQ(given_.size() - fillers(), 50U + 18 + 99);
  EXPECT_EQ(given_[60].toc, 0x48);  // the filler continues the stream that was heard last
  EXPECT_EQ(clock_.late(), 0U);
}

TEST_F(MixClockTest, ALostPacketLeavesNoGap) {
  run(100, [](int i) { return i != 30 && i != 31; });
  EXPECT_EQ(given_.size(), 100U);
  EXPECT_EQ(fillers(), 2U);
}

TEST_F(MixClockTest, ARoomThatStartsAnewGoesOnWithoutAGap) {
  run(100, [](int) { return true; });
  run(100, [](int) { return false; });
  run(
      100, [](int) { return true; }, 0);  // media time begins at 0 again
  run(
      50, [](int) { return true; }, 50'000'000);
  EXPECT_NEAR(static_cast<double>(given_.size()), 350, 12);
  EXPECT_NEAR(static_cast<double>(given_.back().position), 350.0 * kTick, 12.0 * kTick);
}

TEST_F(MixClockTest, ABurstAfterAStallIsDroppedNotPlayedLate) {
  run(50, [](int) { return true; });
  at_ += 1s;  // the mix thread stood still, then delivers what it has
  step();
  for (std::uint64_t i = 50; i < 60; ++i) clock_.push(i * kTick, kVoice, at_);
  step();
  EXPECT_EQ(clock_.late(), 10U);
  run(
      50, [](int) { return true; }, 100 * kTick);
  EXPECT_NEAR(static_cast<double>(given_.size()), 150, 12);
}

TEST_F(MixClockTest, RubbishIsPassedOver) {
  clock_.push(0, {}, at_);
  const ByteBuffer bad = {0x03, 0x00};  // code 3 with no frames
  clock_.push(0, bad, at_);
  for (int i = 0; i < 5000; ++i) clock_.push(static_cast<std::uint64_t>(i) * kTick, kVoice, at_);
  step();
  EXPECT_LE(given_.size(), MixClock::kMaxWaiting + 5000);
}

}  // namespace
}  // namespace parley::streams
