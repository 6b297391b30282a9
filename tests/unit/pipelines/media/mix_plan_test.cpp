#include "pipelines/media/mix_plan.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

namespace parley::media {
namespace {

constexpr auto kTick = 20ms;

LegId leg(std::uint32_t id) {
  return static_cast<LegId>(id);
}

Profile clean() {
  return profile_for({}, Tier::clean);
}

// Runs a plan tick by tick and keeps book of who is in which class, from the changes alone.
class Plan {
 public:
  explicit Plan(std::uint32_t listeners) {
    for (std::uint32_t i = 1; i <= listeners; ++i) plan.add_listener(leg(i), clean());
  }
  // Steps once; returns the changes.
  std::vector<PlanChange> step(std::vector<LegId> talkers) {
    at += kTick;
    const auto changes = plan.step(at, talkers);
    for (const PlanChange& change : changes) {
      if (change.kind == PlanChange::Kind::created) {
        live[change.id] = true;
      } else {
        EXPECT_TRUE(live.erase(change.id)) << "dissolves a class that was never created";
      }
    }
    check(talkers);
    return {changes.begin(), changes.end()};
  }
  void run(Duration time, const std::vector<LegId>& talkers) {
    for (Duration passed{}; passed < time; passed += kTick) step(talkers);
  }
  const MixClass& of(LegId listener) {
    for (const MixClass& mix_class : plan.classes()) {
      if (std::count(mix_class.listeners.begin(), mix_class.listeners.end(), listener) > 0) return mix_class;
    }
    ADD_FAILURE() << "leg " << raw(listener) << " is in no class";
    return plan.classes().front();
  }
  std::vector<LegId> heard_by(LegId listener) {
    std::vector<LegId> talkers;
    for (const Share& share : of(listener).key) talkers.push_back(share.talker);
    return talkers;
  }
  float gain(LegId listener, LegId talker) {
    for (const Share& share : of(listener).key) {
      if (share.talker == talker) return share.gain;
    }
    return 0;
  }

  MixPlan plan;
  TimePoint at{1h};
  std::map<ClassId, bool> live;

 private:
  // What must hold after every step.
  void check(const std::vector<LegId>& talkers) {
    EXPECT_EQ(live.size(), plan.classes().size());
    std::map<LegId, int> seen;
    for (const MixClass& mix_class : plan.classes()) {
      EXPECT_FALSE(mix_class.listeners.empty());
      EXPECT_TRUE(live.contains(mix_class.id));
      for (const LegId listener : mix_class.listeners) {
        ++seen[listener];
        for (const Share& share : mix_class.key) EXPECT_NE(share.talker, listener) << "hears itself";
      }
      for (const Share& share : mix_class.key) {
        EXPECT_TRUE(std::count(talkers.begin(), talkers.end(), share.talker)) << "hears one who is silent";
      }
    }
    for (const auto& [listener, count] : seen) EXPECT_EQ(count, 1) << "in two classes";
  }
};

TEST(MixPlan, ListenersShareOneClassInSilence) {
  Plan plan(50);
  plan.step({});
  EXPECT_EQ(plan.plan.classes().size(), 1U);
}

TEST(MixPlan, ATalkerLeavesWithACopyAndComesBackAfter300Milliseconds) {
  Plan plan(5);
  plan.run(1s, {leg(1)});
  const ClassId shared = plan.of(leg(2)).id;
  EXPECT_EQ(plan.plan.classes().size(), 2U);
  const auto out = plan.step({leg(1), leg(2)});
  ASSERT_EQ(out.size(), 1U);
  EXPECT_EQ(out[0].kind, PlanChange::Kind::created);
  EXPECT_EQ(out[0].other, shared) << "starts as a copy of the encoder it leaves";
  EXPECT_EQ(plan.of(leg(3)).id, shared) << "the others stay";
  EXPECT_EQ(plan.heard_by(leg(2)), std::vector{leg(1)});
  plan.run(1s, {leg(1), leg(2)});
  plan.step({leg(1)});
  plan.run(280ms, {leg(1)});
  EXPECT_NE(plan.of(leg(2)).id, shared);
  const auto back = plan.step({leg(1)});
  ASSERT_EQ(back.size(), 1U);
  EXPECT_EQ(back[0].kind, PlanChange::Kind::dissolved);
  EXPECT_EQ(back[0].other, shared);
  EXPECT_EQ(plan.of(leg(2)).id, shared);
}

// What counts is that the two have heard the same for so long, not that it was always the same people.
TEST(MixPlan, WhoFellSilentComesBackThoughTheOthersTakeTurns) {
  Plan plan(9);
  plan.run(1s, {leg(1), leg(2)});
  plan.step({leg(1)});
  std::size_t classes = 0;
  for (std::uint32_t i = 0; i < 20; ++i) {
    plan.step({leg(1), leg(5 + i % 2)});
    classes = plan.plan.classes().size();
  }
  EXPECT_EQ(plan.of(leg(2)).id, plan.of(leg(3)).id);
  EXPECT_LE(classes, 4U);
}

TEST(MixPlan, WhoTalksAgainBeforeTheJoinStaysInItsClass) {
  Plan plan(5);
  plan.run(1s, {leg(1)});
  plan.run(1s, {leg(1), leg(2)});
  const ClassId own = plan.of(leg(2)).id;
  plan.run(200ms, {leg(1)});
  EXPECT_TRUE(plan.step({leg(1), leg(2)}).empty());
  EXPECT_EQ(plan.of(leg(2)).id, own);
}

TEST(MixPlan, ANewcomerInSpeechStartsCold) {
  Plan plan(3);
  plan.run(1s, {leg(1)});
  plan.plan.add_listener(leg(10), clean());
  plan.plan.add_listener(leg(11), clean());
  const auto changes = plan.step({leg(1)});
  ASSERT_EQ(changes.size(), 1U) << "both newcomers share one encoder";
  EXPECT_EQ(changes[0].other, ClassId::none);
  EXPECT_EQ(plan.of(leg(10)).id, plan.of(leg(11)).id);
  plan.run(320ms, {leg(1)});
  EXPECT_EQ(plan.of(leg(10)).id, plan.of(leg(2)).id);
}

TEST(MixPlan, ANewcomerInSilenceJoinsAtOnce) {
  Plan plan(3);
  plan.run(1s, {});
  plan.plan.add_listener(leg(10), clean());
  EXPECT_TRUE(plan.step({}).empty());
}

TEST(MixPlan, PersonalGainsSplitOnlyWhileTheyMatter) {
  Plan plan(6);
  plan.plan.set_gain(leg(3), leg(1), 0.5F);
  plan.plan.set_gain(leg(4), leg(1), 0.5F);
  plan.plan.set_gain(leg(5), leg(1), 0.0F);
  plan.run(400ms, {leg(2)});
  EXPECT_EQ(plan.of(leg(3)).id, plan.of(leg(6)).id) << "leg 1 does not talk";
  plan.run(400ms, {leg(1), leg(2)});
  EXPECT_EQ(plan.of(leg(3)).id, plan.of(leg(4)).id) << "equal settings share a class";
  EXPECT_NE(plan.of(leg(3)).id, plan.of(leg(6)).id);
  EXPECT_EQ(plan.gain(leg(3), leg(1)), 0.5F);
  EXPECT_EQ(plan.heard_by(leg(5)), std::vector{leg(2)});
  plan.plan.set_gain(leg(3), leg(1), std::nullopt);
  plan.run(400ms, {leg(1), leg(2)});
  EXPECT_EQ(plan.of(leg(3)).id, plan.of(leg(6)).id);
}

TEST(MixPlan, GroupsHearThemselvesOnly) {
  Plan plan(6);
  plan.plan.set_group(leg(4), 7);
  plan.plan.set_group(leg(5), 7);
  plan.run(400ms, {leg(1), leg(4)});
  EXPECT_EQ(plan.heard_by(leg(2)), std::vector{leg(1)});
  EXPECT_EQ(plan.heard_by(leg(5)), std::vector{leg(4)});
  EXPECT_TRUE(plan.heard_by(leg(4)).empty());
  plan.plan.set_group(leg(4), 0);
  plan.run(400ms, {leg(1), leg(4)});
  EXPECT_EQ(plan.heard_by(leg(2)), (std::vector{leg(1), leg(4)}));
  EXPECT_TRUE(plan.heard_by(leg(5)).empty());
}

TEST(MixPlan, AWhisperReachesTheNamedAndDucksTheOthersThere) {
  Plan plan(6);
  plan.plan.set_audience(leg(1), {leg(3), leg(4)}, 0.25F);
  plan.run(400ms, {leg(1), leg(2)});
  EXPECT_EQ(plan.heard_by(leg(5)), std::vector{leg(2)});
  EXPECT_EQ(plan.gain(leg(5), leg(2)), 1.0F);
  EXPECT_EQ(plan.gain(leg(3), leg(1)), 1.0F);
  EXPECT_FLOAT_EQ(plan.gain(leg(3), leg(2)), 0.25F);
  EXPECT_EQ(plan.of(leg(3)).id, plan.of(leg(4)).id);
  plan.step({leg(2)});
  EXPECT_LT(plan.gain(leg(3), leg(2)), 0.3F) << "comes back slowly";
  plan.run(500ms, {leg(2)});
  EXPECT_EQ(plan.gain(leg(3), leg(2)), 1.0F);
}

TEST(MixPlan, AWhisperToOneWhoLeftIsHeardByNobody) {
  Plan plan(4);
  plan.plan.set_audience(leg(1), {leg(3)}, 1.0F);
  plan.step({leg(1)});
  plan.plan.forget(leg(3));
  plan.step({leg(1)});
  EXPECT_TRUE(plan.heard_by(leg(2)).empty());
  EXPECT_TRUE(plan.heard_by(leg(4)).empty());
}

TEST(MixPlan, AProfileChangesInSilenceOnlyAndNotTwiceInTenSeconds) {
  Plan plan(4);
  const Profile lossy = profile_for({}, Tier::lossy);
  plan.run(11s, {leg(1)});
  plan.plan.set_profile(leg(3), lossy);
  plan.run(5s, {leg(1)});
  EXPECT_EQ(plan.of(leg(3)).profile, clean()) << "it hears leg 1";
  plan.run(180ms, {});
  EXPECT_EQ(plan.of(leg(3)).profile, clean());
  plan.run(40ms, {});
  EXPECT_EQ(plan.of(leg(3)).profile, lossy);
  EXPECT_EQ(plan.of(leg(2)).profile, clean());
  plan.plan.set_profile(leg(3), clean());
  plan.run(9s, {});
  EXPECT_EQ(plan.of(leg(3)).profile, lossy);
  plan.run(2s, {});
  EXPECT_EQ(plan.of(leg(3)).profile, clean());
  EXPECT_EQ(plan.of(leg(3)).id, plan.of(leg(2)).id);
}

// Everything at once, for ever: the invariants of check() hold after each of 20,000 steps, and rest returns
// to one class per profile.
TEST(MixPlan, RandomLife) {
  Plan plan(0);
  std::uint64_t state = 4;
  const auto random = [&](std::uint32_t limit) {
    state = state * 6'364'136'223'846'793'005ULL + 1'442'695'040'888'963'407ULL;
    return static_cast<std::uint32_t>(state >> 33) % limit;
  };
  std::vector<LegId> talkers;
  std::vector<bool> in(31, false);
  for (int i = 0; i < 20'000; ++i) {
    const std::uint32_t id = 1 + random(30);
    switch (random(12)) {
      case 0:
        plan.plan.add_listener(leg(id), clean());
        in[id] = true;
        break;
      case 1:
        plan.plan.forget(leg(id));
        in[id] = false;
        std::erase(talkers, leg(id));
        break;
      case 2:
        plan.plan.set_gain(leg(id), leg(1 + random(30)), 0.25F * static_cast<float>(random(5)));
        break;
      case 3:
        plan.plan.set_gain(leg(id), leg(1 + random(30)), std::nullopt);
        break;
      case 4:
        plan.plan.set_group(leg(id), random(3));
        break;
      case 5:
        plan.plan.set_audience(
            leg(id), random(2) == 0 ? std::vector<LegId>{} : std::vector{leg(1 + random(30))}, 0.5F);
        break;
      case 6:
        plan.plan.set_profile(leg(id), profile_for({}, random(2) == 0 ? Tier::clean : Tier::lossy));
        break;
      case 7:
      case 8:
        if (std::erase(talkers, leg(id)) == 0) talkers.push_back(leg(id));
        break;
      default:
        break;
    }
    plan.step(talkers);
    if (HasFailure()) FAIL() << "step " << i;
  }
  for (std::uint32_t id = 1; id <= 30; ++id) {
    EXPECT_EQ(plan.plan.listens(leg(id)), in[id]);
    plan.plan.set_profile(leg(id), clean());
  }
  plan.run(11s, {});
  EXPECT_EQ(plan.plan.classes().size(), 1U);
}

}  // namespace
}  // namespace parley::media
