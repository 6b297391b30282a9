// Talking as people see it: events with hysteresis, levels, the order of active speakers; and what a tick
// allocates.
#include <gtest/gtest.h>

#include "tests/unit/pipelines/media/allocations.hpp"
#include "tests/unit/pipelines/media/talker_room.hpp"

namespace parley::media {
namespace {

using namespace testing;  // NOLINT: the room and its scripts

Script words(std::vector<std::pair<Duration, Duration>> spans) {
  return [spans = std::move(spans)](Duration t) {
    for (const auto& [from, to] : spans) {
      if (t >= from && t < to) return level_voice(22);
    }
    return level_quiet();
  };
}

TEST(TalkingEvents, OnAfter60MsOfVoiceOffAfter500MsWithout) {
  TalkerRoom room;
  room.join(1, true, words({{1s, 3s}}));
  room.run(6s);
  ASSERT_EQ(room.events.size(), 2U);
  EXPECT_TRUE(room.events[0].change.talking);
  EXPECT_EQ(room.events[0].change.leg, LegId{1});
  EXPECT_NEAR(room.events[0].change.level, 22, 3);
  EXPECT_EQ(room.events[0].at, 1s + 60ms);
  EXPECT_FALSE(room.events[1].change.talking);
  EXPECT_NEAR(to_ms(room.events[1].at), 3'500.0, 60.0);
}

TEST(TalkingEvents, ClicksGiveNoneAndPausesBetweenWordsNone) {
  TalkerRoom clicks;
  clicks.join(1, true, words({{1s, 1'020ms}, {2s, 2'020ms}, {3s, 3'020ms}}));
  clicks.run(6s);
  EXPECT_TRUE(clicks.events.empty());

  TalkerRoom pauses;
  pauses.join(1, true, words({{1s, 1'500ms}, {1'900ms, 2'500ms}, {2'900ms, 3'500ms}}));
  pauses.run(6s);
  EXPECT_EQ(pauses.events.size(), 2U);
}

TEST(TalkingEvents, OffAtOnceForAMute) {
  TalkerRoom room;
  room.join(1, true, always(level_voice(22)));
  room.run(1s);
  room.selector.set_muted(LegId{1}, true);
  room.step();
  ASSERT_EQ(room.events.size(), 2U);
  EXPECT_FALSE(room.events[1].change.talking);
  EXPECT_EQ(room.events[1].at, room.since_start());
  EXPECT_TRUE(room.selector.active_speakers().empty());
}

TEST(TalkingEvents, ALegWithoutLevelsToo) {
  TalkerRoom room;
  room.join(1, false, between(1s, 3s, bit_voice(-30.0F), dtx()));
  room.run(6s);
  ASSERT_EQ(room.events.size(), 2U);
  EXPECT_NEAR(room.events[0].change.level, 30, 3);
}

TEST(TalkingEvents, UndrainedChangesCancelOut) {
  TalkerSelector selector{TalkerConfig{}};
  selector.add(LegId{1}, Codec::opus, true);
  TimePoint at{1h};
  for (int tick = 0; tick < 200; ++tick, at += 20ms) {
    MediaPacket packet = opus_packet(tick < 100 ? level_voice(20) : level_quiet());
    packet.arrival = at;
    selector.on_packet(LegId{1}, packet);
    selector.choose(at);
  }
  EXPECT_TRUE(selector.changes().empty());
}

TEST(TalkingEvents, ALegThatLeavesWhileTalkingLeavesNothingBehind) {
  TalkerRoom room;
  room.join(1, true, always(level_voice(22)));
  room.join(2, true, always(level_voice(32)));
  room.run(1s);
  room.selector.set_muted(LegId{2}, true);
  room.selector.choose(room.at() + 20ms);  // the change of 2 is not drained yet
  room.leave(1);
  const auto changes = room.selector.changes();
  ASSERT_EQ(changes.size(), 1U);
  EXPECT_EQ(changes[0].leg, LegId{2});
}

TEST(ActiveSpeakers, LoudestFirst) {
  TalkerRoom room;
  room.join(1, true, always(level_voice(40)));
  room.join(2, true, always(level_voice(20)));
  room.join(3, true, always(level_quiet()));
  room.join(4, true, always(level_voice(30)));
  room.run(2s);
  EXPECT_EQ(room.selector.active_speakers(), (std::vector<LegId>{LegId{2}, LegId{4}, LegId{1}}));
  EXPECT_NEAR(room.selector.level(LegId{1}), 40, 2);
  EXPECT_NEAR(room.selector.level(LegId{2}), 20, 2);
  EXPECT_EQ(room.selector.level(LegId{3}), 127);
}

TEST(Tick, AllocatesNothingOnceTheLegsAreThere) {
  TalkerSelector selector{TalkerConfig{}};
  constexpr std::uint32_t kLegs = 1'000;
  for (std::uint32_t id = 1; id <= kLegs; ++id) selector.add(LegId{id}, Codec::opus, id % 2 == 0);
  TimePoint at{1h};
  const auto tick = [&](int n) {
    for (std::uint32_t id = 1; id <= kLegs; ++id) {
      const bool voice = (static_cast<std::uint32_t>(n) / 50 + id) % 3 == 0;
      MediaPacket packet = opus_packet(id % 2 == 0 ? (voice ? level_voice(20) : level_quiet())
                                                   : (voice ? bit_voice(-20.0F) : bit_clear(-90.0F)));
      packet.arrival = at;
      selector.on_packet(LegId{id}, packet);
    }
    for (const auto& [leg, listening] : selector.choose(at)) {
      if (listening != Listening::skip) selector.on_decoded(leg, at, -20.0F);
    }
    selector.changes();
    at += 20ms;
  };
  for (int n = 0; n < 150; ++n) tick(n);  // everybody has talked once: the lists have their size
  const std::size_t before = allocations();
  for (int n = 150; n < 350; ++n) tick(n);
  EXPECT_EQ(allocations() - before, 0U);
}

}  // namespace
}  // namespace parley::media
