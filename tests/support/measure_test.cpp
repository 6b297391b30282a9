#include "tests/support/measure.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace parley::test {
namespace {

TEST(Measure, SaysWhetherTheBoundsAreKept) {
  Measure measure{"delay p50", 14.04, "ms", Bound::at_most(15), Bound::at_most(11)};
  EXPECT_EQ(to_line(measure), "delay p50\t≤ 15\t≤ 11\t14.0 ms\tyes");
  measure.got = 11;
  EXPECT_EQ(to_line(measure), "delay p50\t≤ 15\t≤ 11\t11.0 ms\taim");
  measure.got = 15.2;
  EXPECT_EQ(to_line(measure), "delay p50\t≤ 15\t≤ 11\t15.2 ms\tMISSED");
  const Measure share{"rebuilt", 89.96, "%", Bound::at_least(90), {}, 2};
  EXPECT_EQ(to_line(share), "rebuilt\t≥ 90\t\t89.96 %\tMISSED");
  EXPECT_EQ(to_line({"memory", 117, "KiB", {}, Bound::at_most(100), 0}),
            "memory\t\t≤ 100\t117 KiB\taim missed");
  EXPECT_EQ(to_line({"forwarded", 78, "%", {}, {}, 0}), "forwarded\t\t\t78 %\t");
}

TEST(Measure, NoNumberKeepsNoBound) {
  const double none = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(Bound::at_most(1).met(none), false);
  EXPECT_EQ(Bound::at_least(1).met(none), false);
  EXPECT_EQ(Bound::none().met(none), std::nullopt);
}

}  // namespace
}  // namespace parley::test
