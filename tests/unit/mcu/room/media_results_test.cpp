// What the media plane reports and what becomes of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/unit/mcu/room/fakes.hpp"

namespace parley::room {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

class MediaResults : public RoomTest {
 protected:
  MediaResults() : ann(join("r", "Ann", 1)), bob(join("r", "Bob", 2)) { sink.clear(); }
  Joined ann, bob;
};

TEST_F(MediaResults, TalkingIsToldWhenItChanges) {
  rooms.talking(ann.answer.leg, true, 20);
  rooms.talking(ann.answer.leg, true, 22);
  EXPECT_THAT(sink.all<Talking>(connection(1)), SizeIs(1));
  const auto told = sink.last<Talking>(connection(2));
  EXPECT_EQ(told.participant, ann.participant);
  EXPECT_TRUE(told.talking);
  EXPECT_EQ(told.level, 20);
  rooms.talking(ann.answer.leg, false, 60);
  EXPECT_FALSE(sink.last<Talking>(connection(2)).talking);
  EXPECT_EQ(sink.last<Talking>(connection(2)).level, 127);
  EXPECT_EQ(info("r", ann.participant).level, 127);
}

TEST_F(MediaResults, LevelsAreGatheredForTheTimer) {
  rooms.talking(ann.answer.leg, true, 20);
  rooms.on_timer(at);
  EXPECT_THAT(sink.all<Levels>(connection(1)), IsEmpty());  // `talking` has told it
  rooms.level(ann.answer.leg, 25);
  rooms.level(ann.answer.leg, 30);
  rooms.level(bob.answer.leg, 5);  // does not talk
  rooms.on_timer(at);
  EXPECT_THAT(sink.last<Levels>(connection(2)).levels, ElementsAre(Pair(ann.participant, 30)));
  rooms.on_timer(at);
  EXPECT_THAT(sink.all<Levels>(connection(2)), SizeIs(1));
  rooms.level(ann.answer.leg, 255);
  rooms.on_timer(at);
  EXPECT_THAT(sink.last<Levels>(connection(2)).levels, ElementsAre(Pair(ann.participant, 127)));
}

TEST_F(MediaResults, DelayAlarmsGoToModeratorsAlone) {
  join(as_moderator(request("r", "Mia", 3)));
  EXPECT_FALSE(rooms.delay_alarm(LegId{4'711}, 200).has_value());
  EXPECT_FALSE(rooms.delay_alarm(ann.answer.leg, std::nan("")).has_value());
  const auto named = rooms.delay_alarm(ann.answer.leg, 180);
  ASSERT_TRUE(named.has_value());
  EXPECT_EQ(*named, std::pair(std::string("r"), ann.participant));
  ASSERT_THAT(sink.all<DelayAlarm>(connection(3)), SizeIs(1));
  EXPECT_EQ(sink.last<DelayAlarm>(connection(3)).participant, ann.participant);
  EXPECT_EQ(sink.last<DelayAlarm>(connection(3)).delay_ms, 180);
  for (const int other : {1, 2}) EXPECT_THAT(sink.all<DelayAlarm>(connection(other)), IsEmpty());
}

TEST_F(MediaResults, WhatAClientMeasuresIsKeptForItsOwnLegOnly) {
  PathReport report;
  report.path = "mcu-udp";
  report.call = "ignored";
  report.target_ms = 42;
  ASSERT_EQ(code(rooms.report_path(at, ann.participant, report)), "ok");
  EXPECT_EQ(code(rooms.report_path(at, "nobody", report)), "not-joined");
  const auto people = rooms.quality("r").value();
  for (const auto& who : people) {
    ASSERT_EQ(who.mcu_report.has_value(), who.id == ann.participant);
    EXPECT_FALSE(who.direct_report);
    if (!who.mcu_report) continue;
    EXPECT_EQ(who.mcu_report->target_ms, 42);
    EXPECT_EQ(who.mcu_report->at, at);
  }
  rooms.leg_gone(at, ann.answer.leg, LegGone::timeout);
  const auto left = rooms.quality("r").value();
  for (const auto& who : left) EXPECT_FALSE(who.mcu_report) << "it was of the leg that is gone";
}

TEST_F(MediaResults, QualityAlarmsGoToWhomTheyAreAboutAndToModerators) {
  join(as_moderator(request("r", "Mia", 3)));
  rooms.quality_alarm("r", {ann.participant, "mcu-udp", "uplink", true, 2.9, "8 % is lost"});
  rooms.quality_alarm("another", {ann.participant, "mcu-udp", "uplink", true, 2.9, ""});
  for (const int told : {1, 3}) {
    ASSERT_THAT(sink.all<QualityAlarm>(connection(told)), SizeIs(1));
    EXPECT_EQ(sink.last<QualityAlarm>(connection(told)).text, "8 % is lost");
  }
  EXPECT_THAT(sink.all<QualityAlarm>(connection(2)), IsEmpty());
}

TEST_F(MediaResults, ALostTalkerStopsTalking) {
  rooms.talking(ann.answer.leg, true, 20);
  rooms.leg_gone(at, ann.answer.leg, LegGone::timeout);
  EXPECT_FALSE(info("r", ann.participant).talking);
  rooms.talking(ann.answer.leg, true, 20);  // late, of a leg that is gone
  EXPECT_FALSE(info("r", ann.participant).talking);
}

TEST_F(MediaResults, GainAdviceGoesToTheTalkerAlone) {
  rooms.gain_advice(ann.answer.leg, 3);
  rooms.gain_advice(ann.answer.leg, 3.05F);
  rooms.gain_advice(ann.answer.leg, std::nanf(""));
  EXPECT_THAT(sink.all<GainAdvice>(connection(1)), SizeIs(1));
  rooms.gain_advice(ann.answer.leg, 4);
  EXPECT_EQ(sink.last<GainAdvice>(connection(1)).db, 4);
  EXPECT_THAT(sink.all<GainAdvice>(connection(2)), IsEmpty());
}

TEST_F(MediaResults, UplinkIsToldAtMostEveryTwoSecondsAndWhenItMatters) {
  struct Row {
    const char* what;
    Duration after;
    double loss, jitter_ms, round_trip_ms;
    bool told;
  };
  const Row rows[] = {
      {"first", 0s, 0.0, 1, 20, true},
      {"too soon", 1s, 0.5, 1, 20, false},
      {"loss", 1s, 0.05, 1, 20, true},
      {"the same", 2s, 0.05, 1, 20, false},
      {"a little more loss", 2s, 0.055, 1, 20, false},
      {"a little more jitter", 2s, 0.05, 2.5, 20, false},
      {"much more jitter", 2s, 0.05, 5, 20, true},
      {"a longer way", 2s, 0.05, 5, 35, true},
      {"less loss", 2s, 0.0, 5, 35, true},
  };
  std::size_t told = 0;
  for (const auto& row : rows) {
    at += row.after;
    TrafficReport report;
    report.fraction_lost_in = row.loss;
    report.jitter_in_ms = row.jitter_ms;
    report.round_trip_ms = row.round_trip_ms;
    rooms.traffic(at, ann.answer.leg, report);
    told += row.told ? 1 : 0;
    ASSERT_THAT(sink.all<Uplink>(connection(1)), SizeIs(told)) << row.what;
  }
  EXPECT_EQ(sink.last<Uplink>(connection(1)).round_trip_ms, 35);
  EXPECT_THAT(sink.all<Uplink>(connection(2)), IsEmpty());
  EXPECT_EQ(rooms.quality("r")->at(0).traffic.jitter_in_ms, 5);
}

TEST_F(MediaResults, UnknownLegsAreIgnored) {
  for (const auto leg : {LegId::none, static_cast<LegId>(999)}) {
    rooms.leg_connected(leg);
    rooms.leg_gone(at, leg, LegGone::timeout);
    rooms.talking(leg, true, 10);
    rooms.level(leg, 10);
    rooms.gain_advice(leg, 1);
    rooms.traffic(at, leg, {});
  }
  EXPECT_THAT(sink.events, IsEmpty());
  EXPECT_THAT(names("r"), SizeIs(2));
}

TEST_F(MediaResults, ConnectedIsShownInTheQualityView) {
  rooms.leg_connected(bob.answer.leg);
  const auto quality = rooms.quality("r");
  EXPECT_FALSE(quality->at(0).connected);
  EXPECT_TRUE(quality->at(1).connected);
  EXPECT_EQ(rooms.participant_of(bob.answer.leg), bob.participant);
  EXPECT_EQ(rooms.room_of(bob.participant), "r");
  EXPECT_EQ(rooms.room_of("nobody"), std::nullopt);
}

TEST_F(MediaResults, AWhipParticipantIsAParticipantLikeAnyOther) {
  const auto whip = join("r", "Whip");
  sink.clear();
  rooms.talking(whip.answer.leg, true, 30);
  EXPECT_EQ(sink.last<Talking>(connection(1)).participant, whip.participant);
  rooms.traffic(at, whip.answer.leg, {});
  rooms.gain_advice(whip.answer.leg, 2);
  ASSERT_TRUE(rooms.kick(at, "r", "", whip.participant, ""));
  EXPECT_EQ(media.removed.at(whip.answer.leg), "kicked");
}

}  // namespace
}  // namespace parley::room
