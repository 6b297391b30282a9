#include "pipelines/media/profile.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace parley::media {
namespace {

TEST(Profile, FewBitratesServeAnyPeer) {
  std::set<Profile> profiles;
  for (std::uint32_t limit = 6'000; limit <= 510'000; limit += 500) {
    for (const Tier tier : {Tier::clean, Tier::lossy, Tier::very_lossy}) {
      const Profile profile = profile_for({Codec::opus, true, true, limit}, tier);
      profiles.insert(profile);
      EXPECT_LE(profile.bitrate, std::max(limit, 12'000U));
    }
  }
  EXPECT_LE(profiles.size(), 15U);
}

TEST(Profile, WithoutFecThereIsNoLossyTier) {
  EXPECT_EQ(profile_for({Codec::opus, false, true, 0}, Tier::very_lossy),
            profile_for({Codec::opus, false, true, 0}, Tier::clean));
}

TEST(Profile, G711KnowsNoTier) {
  EXPECT_EQ(profile_for({Codec::pcmu, true, true, 0}, Tier::lossy),
            profile_for({Codec::pcmu, false, false, 20'000}, Tier::clean));
}

TEST(TierChooser, WorseAtOnceBetterAfterTenCalmSeconds) {
  struct Step {
    int second;
    double loss;
    Tier expected;
  };
  const Step steps[] = {
      {0, 0.002, Tier::clean},      {1, 0.009, Tier::clean},      {2, 0.02, Tier::lossy},
      {3, 0.15, Tier::very_lossy},  {4, 0.08, Tier::very_lossy},  // between the thresholds: stays
      {20, 0.03, Tier::very_lossy}, {29, 0.03, Tier::very_lossy}, {30, 0.03, Tier::lossy},
      {31, 0.007, Tier::lossy},     {60, 0.007, Tier::lossy},  // not below 0.5 %
      {61, 0.0, Tier::lossy},       {66, 0.006, Tier::lossy},  // the calm is broken
      {67, 0.0, Tier::lossy},       {76, 0.0, Tier::lossy},       {77, 0.0, Tier::clean},
      {78, 0.5, Tier::very_lossy},
  };
  TierChooser chooser;
  for (const Step& step : steps) {
    EXPECT_EQ(chooser.step(TimePoint{} + step.second * 1s, step.loss), step.expected) << step.second << " s";
  }
}

}  // namespace
}  // namespace parley::media
