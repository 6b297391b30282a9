#include "mcu/recording/leg_set.hpp"

#include <gtest/gtest.h>

namespace parley::recording {
namespace {

TEST(LegSet, HoldsWhatWasAddedAlsoWhereCellsCollide) {
  LegSet set;
  for (std::uint32_t i = 1; i < 60; ++i) ASSERT_TRUE(set.add(LegId{i * (1U << 14U)}));
  for (std::uint32_t i = 1; i < 60; ++i) EXPECT_TRUE(set.contains(LegId{i * (1U << 14U)}));
  EXPECT_FALSE(set.contains(LegId{60U * (1U << 14U)}));
  set.remove(LegId{1U << 14U});
  EXPECT_FALSE(set.contains(LegId{1U << 14U}));
  EXPECT_TRUE(set.contains(LegId{59U * (1U << 14U)}));
  // Legs come and go for years.
  for (std::uint32_t i = 1; i < 1'000'000; ++i) {
    ASSERT_TRUE(set.add(LegId{i + (1U << 24U)}));
    set.remove(LegId{i + (1U << 24U)});
  }
}

}  // namespace
}  // namespace parley::recording
