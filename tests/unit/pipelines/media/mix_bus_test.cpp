// The exactness of total minus self (design rule 4): what a listener hears is the integer sum of all others.
#include "pipelines/media/mix_bus.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

namespace parley::media {
namespace {

constexpr std::size_t kTick = 960;

std::vector<Q24> rounded(const std::vector<float>& samples, float from, float to) {
  std::vector<Q24> out(samples.size());
  to_q24(samples, from, to, out);
  return out;
}

TEST(ToQ24, RoundsToTheNearestOnce) {
  struct Case {
    float sample;
    float gain;
    Q24 expected;
  };
  const float lsb = 0x1p-24F;
  const Case cases[] = {
      {0.0F, 1.0F, 0},
      {1.0F, 1.0F, 1 << 24},
      {-1.0F, 1.0F, -(1 << 24)},
      {0.5F, 0.5F, 1 << 22},
      {0.999999940395355224609375F, 1.0F, (1 << 24) - 1},  // the largest float below 1
      {-0.999999940395355224609375F, 1.0F, -((1 << 24) - 1)},
      {lsb, 0.75F, 1},
      {lsb, 0.25F, 0},
      {-lsb, 0.75F, -1},
      {-lsb, 0.25F, 0},
      {0.1F, 0.0F, 0},
      {3.9810717F, 1.0F, 66791300},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(rounded({c.sample}, c.gain, c.gain)[0], c.expected) << c.sample << " * " << c.gain;
  }
}

TEST(ToQ24, UnitGainKeepsEveryBitOfASampleOnTheGrid) {
  std::mt19937 random(1);
  std::uniform_int_distribution<Q24> any(-(1 << 24), 1 << 24);
  std::vector<float> samples(kTick);
  std::vector<Q24> grid(kTick);
  for (std::size_t i = 0; i < kTick; ++i) {
    grid[i] = any(random);
    samples[i] = static_cast<float>(grid[i]) * 0x1p-24F;
  }
  EXPECT_EQ(rounded(samples, 1.0F, 1.0F), grid);
}

TEST(ToQ24, RubbishIsHarmless) {
  const float inf = std::numeric_limits<float>::infinity();
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float max = std::numeric_limits<float>::max();
  const Q24 limit = 64 << 24;
  const std::vector<float> rubbish = {nan, -nan, inf, -inf, max, -max, 64.0F, -64.0F, 65.0F, 1e-40F};
  const std::vector<Q24> expected = {0, 0, limit, -limit, limit, -limit, limit, -limit, limit, 0};
  EXPECT_EQ(rounded(rubbish, 1.0F, 1.0F), expected);
  for (const Q24 value : rounded(rubbish, 0.0F, 3.0F)) {
    EXPECT_LE(value, limit);
    EXPECT_GE(value, -limit);
  }
  for (const Q24 value : rounded({1.0F, -1.0F, 0.0F}, nan, nan)) EXPECT_EQ(value, 0);
  for (const Q24 value : rounded({0.0F, 0.0F}, inf, inf)) EXPECT_EQ(value, 0);
}

TEST(ToQ24, GainMovesLinearlyAndEndsAtItsGoal) {
  const std::vector<float> ones(kTick, 1.0F);
  const std::vector<Q24> ramp = rounded(ones, 0.0F, 1.0F);
  EXPECT_EQ(ramp.back(), 1 << 24);
  EXPECT_EQ(ramp[kTick / 2 - 1], 1 << 23);
  for (std::size_t i = 1; i < kTick; ++i) {
    const double step = ramp[i] - ramp[i - 1];
    EXPECT_NEAR(step, (1 << 24) / 960.0, 1.0) << i;
  }
  // The next tick goes on where this one ended: no step larger than those within.
  const std::vector<Q24> next = rounded(ones, 1.0F, 0.25F);
  EXPECT_NEAR(next.front() - ramp.back(), -0.75 * (1 << 24) / 960.0, 1.0);
  EXPECT_EQ(next.back(), 1 << 22);
}

// A room as its mixer keeps it, with joins, leaves, mutes and gains, and beside it the plain sum of the
// others.
struct Room {
  static constexpr std::size_t kLegs = 50;
  struct Leg {
    bool joined = false;
    bool muted = false;
    float gain = 1.0F;
    float last_gain = 0.0F;
  };
  std::vector<Leg> legs{kLegs};
  std::mt19937 random;

  explicit Room(std::uint32_t seed) : random(seed) {}

  void change_something() {
    Leg& leg = legs[random() % kLegs];
    switch (random() % 3) {
      case 0:
        leg.joined = !leg.joined;
        break;
      case 1:
        leg.muted = !leg.muted;
        break;
      default:
        leg.gain = std::pow(10.0F, static_cast<float>(static_cast<int>(random() % 53) - 40) / 20.0F);
    }
  }

  std::vector<std::vector<Q24>> contributions() {
    std::uniform_real_distribution<float> sample(-1.0F, 1.0F);
    std::vector<std::vector<Q24>> parts;
    for (Leg& leg : legs) {
      std::vector<float> samples(kTick);
      for (float& s : samples) s = sample(random);
      const float gain = leg.joined && !leg.muted ? leg.gain : 0.0F;
      parts.push_back(rounded(samples, leg.last_gain, gain));
      leg.last_gain = gain;
    }
    return parts;
  }
};

TEST(MixBus, EveryNMinusOneIsTheDirectSumOfTheOthersToTheBit) {
  Room room(7);
  for (int tick = 0; tick < 100; ++tick) {
    for (int i = 0; i < 10; ++i) room.change_something();
    const auto parts = room.contributions();

    std::vector<Q24Sum> total(kTick, 0);
    for (const auto& part : parts) add(total, part);
    for (std::size_t self = 0; self < parts.size(); ++self) {
      std::vector<Q24Sum> bus = total;
      subtract(bus, parts[self]);
      for (std::size_t i = 0; i < kTick; ++i) {
        Q24Sum direct = 0;
        for (std::size_t other = 0; other < parts.size(); ++other) {
          if (other != self) direct += parts[other][i];
        }
        ASSERT_EQ(bus[i], direct) << "tick " << tick << " leg " << self << " sample " << i;
      }
    }
  }
}

TEST(MixBus, AThousandClampedContributionsDoNotWrap) {
  const std::vector<Q24> loudest = rounded(std::vector<float>(kTick, 1e9F), 1.0F, 1.0F);
  std::vector<Q24Sum> total(kTick, 0);
  for (int i = 0; i < 1'000; ++i) add(total, loudest);
  for (const Q24Sum sum : total) ASSERT_EQ(sum, 1'000LL * (64LL << 24));
  for (int i = 0; i < 1'000; ++i) subtract(total, loudest);
  for (const Q24Sum sum : total) ASSERT_EQ(sum, 0);
}

}  // namespace
}  // namespace parley::media
