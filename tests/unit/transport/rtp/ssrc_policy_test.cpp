#include "transport/rtp/ssrc_policy.hpp"

#include <gtest/gtest.h>

namespace parley::rtp {
namespace {

const TimePoint kStart{1000s};

TEST(SsrcPolicy, FirstAndCurrentPass) {
  SsrcPolicy policy;
  EXPECT_FALSE(policy.current());
  EXPECT_TRUE(policy.admit(kStart, 1));
  EXPECT_EQ(policy.accept(kStart, 1), std::nullopt);
  EXPECT_EQ(policy.current(), 1U);
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(policy.admit(kStart, 1));
  EXPECT_EQ(policy.accept(kStart, 1), std::nullopt);
}

TEST(SsrcPolicy, TwoChangesASecond) {
  struct Step {
    Duration at;
    std::uint32_t ssrc;
    bool admitted;
  };
  const Step steps[] = {
      {0ms, 1, true},     {10ms, 2, true},    {20ms, 3, true},     {500ms, 4, false},   {1009ms, 5, false},
      {1010ms, 6, true},  {1019ms, 7, false}, {1020ms, 8, true},   {1030ms, 9, false},  {1030ms, 8, true},
      {5000ms, 10, true}, {5000ms, 11, true}, {5000ms, 12, false}, {5999ms, 13, false}, {6000ms, 14, true},
  };
  SsrcPolicy policy;
  for (const Step& step : steps) {
    const TimePoint at = kStart + step.at;
    EXPECT_EQ(policy.admit(at, step.ssrc), step.admitted) << step.ssrc;
    if (step.admitted) policy.accept(at, step.ssrc);
  }
}

TEST(SsrcPolicy, AFloodOfNewOnesGetsTwoASecondThrough) {
  SsrcPolicy policy;
  policy.accept(kStart, 1);
  int admitted = 0;
  for (std::uint32_t i = 0; i < 20'000; ++i) {  // ten seconds
    const TimePoint at = kStart + i * 500us;
    if (!policy.admit(at, 100 + i)) continue;
    ++admitted;
    policy.accept(at, 100 + i);
  }
  EXPECT_EQ(admitted, 20);
}

TEST(SsrcPolicy, StragglersOfTheStreamLeftAreNoChangeBack) {
  SsrcPolicy policy;
  policy.accept(kStart, 1);
  ASSERT_TRUE(policy.admit(kStart + 2s, 2));
  EXPECT_EQ(policy.accept(kStart + 2s, 2), 1U);
  EXPECT_FALSE(policy.admit(kStart + 2010ms, 1));
  EXPECT_TRUE(policy.admit(kStart + 2020ms, 2));
  EXPECT_TRUE(policy.admit(kStart + 3s, 1)) << "later it may come back";
}

TEST(SsrcPolicy, ForgeriesUseNothingUp) {
  SsrcPolicy policy;
  for (std::uint32_t i = 0; i < 1'000; ++i) EXPECT_TRUE(policy.admit(kStart, 100 + i));
  EXPECT_FALSE(policy.current());
  EXPECT_TRUE(policy.admit(kStart, 1));
  policy.accept(kStart, 1);
  for (std::uint32_t i = 0; i < 1'000; ++i) EXPECT_TRUE(policy.admit(kStart, 100 + i));
  EXPECT_EQ(policy.current(), 1U);
  EXPECT_TRUE(policy.admit(kStart, 2)) << "a true change among them";
}

}  // namespace
}  // namespace parley::rtp
