// Who gets a place when not all can: the loudest with hysteresis; and those who claim one without a voice.
#include <gtest/gtest.h>

#include <string>

#include "tests/support/measure.hpp"
#include "tests/unit/pipelines/media/talker_room.hpp"

namespace parley::media {
namespace {

using namespace testing;  // NOLINT: the room and its scripts

TalkerConfig places(int count) {
  TalkerConfig config;
  config.max_talkers = count;
  return config;
}

TEST(TalkerPlaces, TheLoudestGetThem) {
  TalkerRoom room(places(2));
  for (const int level : {40, 15, 30, 20, 35}) {
    room.join(static_cast<std::uint32_t>(level), true, always(level_voice(level)));
  }
  room.run(3s);
  EXPECT_TRUE(room.talks(15));
  EXPECT_TRUE(room.talks(20));
  EXPECT_EQ(room.talkers(), 2U);
}

TEST(TalkerPlaces, ZeroMeansAll) {
  TalkerRoom room(places(0));
  for (std::uint32_t id = 1; id <= 100; ++id) room.join(id, true, always(level_voice(20)));
  room.run(40ms);
  EXPECT_EQ(room.talkers(), 100U);
}

TEST(TalkerPlaces, ANewcomerMustBeSixDbLouderUnlessAPlaceIsFree) {
  struct Case {
    int newcomer;
    bool displaces;
  };
  for (const Case& c : {Case{26, false}, Case{21, false}, Case{20, false}, Case{18, true}, Case{10, true}}) {
    TalkerRoom room(places(1));
    room.join(1, true, always(level_voice(25)));
    room.join(2, true, between(2s, 10s, level_voice(c.newcomer), level_quiet()));
    room.run(4s);
    EXPECT_EQ(room.talks(2), c.displaces) << c.newcomer;
    EXPECT_EQ(room.talks(1), !c.displaces) << c.newcomer;
  }
  TalkerRoom free(places(2));
  free.join(1, true, always(level_voice(10)));
  free.join(2, true, between(2s, 10s, level_voice(50), level_quiet()));
  free.run(2'020ms);
  EXPECT_TRUE(free.talks(2));
}

TEST(TalkerPlaces, ATalkersFirstHalfSecondIsSafe) {
  TalkerRoom room(places(1));
  room.join(1, true, between(1s, 10s, level_voice(40), level_quiet()));
  room.join(2, true, between(1'100ms, 10s, level_voice(5), level_quiet()));
  room.run(1'500ms);
  EXPECT_TRUE(room.talks(1));
  EXPECT_FALSE(room.talks(2));
  room.run(40ms);
  EXPECT_TRUE(room.talks(2));
  EXPECT_FALSE(room.talks(1));
}

TEST(TalkerPlaces, EqualVoicesDoNotFlap) {
  // Twenty voices around -20 dBFS that swing by several dB: who has a place keeps it.
  TalkerRoom room(places(8));
  for (std::uint32_t id = 1; id <= 20; ++id) {
    room.join(id, true, [id](Duration t) {
      const auto wobble = static_cast<int>((t / 20ms * (id + 3) + id * 7) % 8);
      return level_voice(16 + wobble);
    });
  }
  room.run(1s);
  std::vector<std::uint32_t> first;
  for (std::uint32_t id = 1; id <= 20; ++id) {
    if (room.talks(id)) first.push_back(id);
  }
  EXPECT_EQ(first.size(), 8U);
  for (int i = 0; i < 1'000; ++i) {
    room.step();
    for (const std::uint32_t id : first) ASSERT_TRUE(room.talks(id)) << id;
  }
}

TEST(TalkerPlaces, APlaceThatFallsFreeGoesToTheLoudestWaiting) {
  TalkerRoom room(places(1));
  room.join(1, true, between(0s, 2s, level_voice(20), level_quiet()));
  room.join(2, true, always(level_voice(24)));
  room.join(3, true, always(level_voice(22)));
  room.run(2s);
  EXPECT_TRUE(room.talks(1));
  room.run(440ms);
  EXPECT_TRUE(room.talks(3));
}

TEST(TalkerPlaces, FewerPlacesTakeEffectAtOnceAndKeepTheLoudest) {
  TalkerRoom room(places(8));
  for (int level = 10; level < 18; ++level)
    room.join(static_cast<std::uint32_t>(level), true, always(level_voice(level)));
  room.run(1s);
  EXPECT_EQ(room.talkers(), 8U);
  room.selector.set_max_talkers(3);
  room.step();
  EXPECT_EQ(room.talkers(), 3U);
  for (const std::uint32_t id : {10U, 11U, 12U}) EXPECT_TRUE(room.talks(id));
  room.selector.set_max_talkers(0);
  room.step();
  EXPECT_EQ(room.talkers(), 8U);
}

TEST(TalkerPlaces, WhoClaimsMoreThanItSendsIsOrderedByWhatWasHeard) {
  // It claims -0 dBov and decodes to -45 dBFS: no silence, so no false claim, but no right to a louder one's
  // place.
  TalkerRoom room(places(2));
  Sent boast = level_voice(0);
  boast.dbfs = -45.0F;
  room.join(1, true, always(level_voice(20)));
  room.join(2, true, always(level_voice(22)));
  room.join(3, true, between(2s, 60s, boast, level_quiet()));
  room.run(60s);
  EXPECT_LE(room.talked(3), 1s);
  EXPECT_GE(room.talked(1), 58s);
  EXPECT_GE(room.talked(2), 58s);
}

TEST(TalkerPlaces, VoicesWithoutLevelsAreHeardOfInTime) {
  // Nobody has levels; a loud voice comes to a room full of soft ones.
  TalkerRoom room(places(2));
  for (std::uint32_t id = 1; id <= 3; ++id) room.join(id, false, always(bit_voice(-40.0F)));
  room.join(4, false, between(1s, 60s, bit_voice(-15.0F), bit_clear(-90.0F)));
  room.run(8s);
  EXPECT_TRUE(room.talks(4));
  EXPECT_LE(room.looks(4), 6);
}

struct Lie {
  const char* name;
  bool has_levels;
  Script script;
};

std::vector<Lie> lies() {
  const Sent level = {Sent::Kind::silk_clear, 0, true, -127.0F};
  const Sent bit = bit_voice(-127.0F);
  const Sent quiet = {Sent::Kind::silk_clear, 127, false, -127.0F};
  const auto pattern = [](Sent lie, Sent rest, Duration on, Duration period) -> Script {
    return [=](Duration t) { return t % period < on ? lie : rest; };
  };
  return {
      {"level 0 for ever", true, always(level)},
      {"voice bit for ever", false, always(bit)},
      {"every other packet", true, pattern(level, quiet, 20ms, 40ms)},
      {"180 ms, then a pause", true, pattern(level, quiet, 180ms, 280ms)},
      {"100 ms, then a pause", true, pattern(level, quiet, 100ms, 400ms)},
      {"one packet now and then", true, pattern(level, quiet, 20ms, 300ms)},
      {"one voice bit now and then", false, pattern(bit, bit_clear(-127.0F), 20ms, 260ms)},
      {"100 ms each second", true, pattern(level, quiet, 100ms, 1s)},
  };
}

TEST(FalseClaims, HoldNoPlaceBeyond200MsAndWinNoneByClaimingAgain) {
  Duration worst{};
  for (const Lie& lie : lies()) {
    for (const Duration delay : {0ms, 40ms, 120ms, 200ms}) {
      SCOPED_TRACE(std::string(lie.name) + ", delay " + std::to_string(delay / 1ms) + " ms");
      TalkerRoom room(places(1));
      room.join(1, lie.has_levels, lie.script, delay);
      Duration held{};
      Duration longest{};
      for (int tick = 0; tick < 3'000; ++tick) {
        room.step();
        held = room.talks(1) ? held + 20ms : 0ms;
        longest = std::max(longest, held);
      }
      // The claim counts from when its packet is due.
      EXPECT_LE(longest, delay + 200ms);
      worst = std::max(worst, longest - delay);
      EXPECT_LE(room.talked(1), 6 * (delay + 200ms)) << "in a minute";
      const Duration before = room.talked(1);
      room.run(60s);
      // Single claims are what noise makes: they are forgiven once in 10 s, and cost a place for 80 ms
      // beyond the delay.
      EXPECT_LE(room.talked(1) - before, 6 * (delay + 200ms)) << "in the next minute";
    }
  }
  test::report("level 0 claimed over silence holds a place for, beyond its delay, at most", to_ms(worst),
               "ms", test::Bound::at_most(200), {}, 0);
}

TEST(FalseClaims, ALiarKeepsNoSpeakerOutForLong) {
  TalkerRoom room(places(1));
  Sent lie = level_voice(0);
  lie.dbfs = -127.0F;
  room.join(1, true, always(level_voice(20)));
  room.join(2, true, between(2s, 60s, lie, level_quiet(127)));
  room.run(60s);
  EXPECT_LE(room.talked(2), 200ms);
  EXPECT_GE(room.talked(1), 59'700ms);
}

TEST(FalseClaims, RealSoundIsFoundByALookAndRedeems) {
  Sent lie = level_voice(0);
  lie.dbfs = -127.0F;
  TalkerRoom room;
  room.join(1, true, [=](Duration t) {
    if (t < 5s) return lie;
    if (t < 7s) return level_voice(20);
    return t < 10s ? level_quiet(127) : level_voice(20);
  });
  room.run(5s);
  EXPECT_FALSE(room.talks(1));
  room.run(500ms);
  EXPECT_TRUE(room.talks(1)) << "found by a look";
  room.run(4'500ms);
  EXPECT_FALSE(room.talks(1));
  room.run(20ms);
  EXPECT_TRUE(room.talks(1)) << "its claims count again after a second of sound";
}

TEST(FalseClaims, HonestVoicesBehindAFullJitterBufferAreNotAccused) {
  for (const bool has_levels : {true, false}) {
    TalkerRoom room;
    // Words of 300 ms with pauses of 500 ms: each begins with 200 ms of decoded silence under claims.
    room.join(
        1, has_levels,
        [=](Duration t) {
          const bool word = t % 800ms < 300ms;
          if (has_levels) return word ? level_voice(25) : level_quiet(80);
          return word ? bit_voice(-25.0F) : bit_clear(-80.0F);
        },
        200ms);
    int clipped = 0;
    for (int tick = 1; tick <= 3'000; ++tick) {
      room.step();
      // The packets of a word are due 200 ms after they arrived.
      const Duration played = room.since_start() - 200ms - 20ms;
      if (played >= 0ms && played % 800ms < 300ms && !room.talks(1)) ++clipped;
    }
    EXPECT_EQ(clipped, 0);
  }
}

TEST(FalseClaims, NoiseThatSetsItsVoiceBitNowAndThenLosesNoOnset) {
  // 2 % of set bits in noise below -60 dBFS, as complexity 5 makes them; then the person speaks.
  int clipped_ticks = 0;
  for (std::uint32_t seed = 0; seed < 50; ++seed) {
    TalkerRoom room;
    room.join(
        1, false,
        [seed](Duration t) {
          if (t >= 20s) return bit_voice(-25.0F);
          const std::uint32_t mixed = (static_cast<std::uint32_t>(t / 20ms) + seed * 7'919U) * 2'654'435'769U;
          return mixed >> 24 < 5 ? bit_voice(-64.0F) : bit_clear(-64.0F);
        },
        40ms);
    room.run(20s);
    EXPECT_LE(room.talked(1), 3s);
    room.run(40ms);
    // The first packet of the word falls due in the tick after next.
    room.step();
    if (!room.talks(1)) ++clipped_ticks;
  }
  EXPECT_LE(clipped_ticks, 5);
}

}  // namespace
}  // namespace parley::media
