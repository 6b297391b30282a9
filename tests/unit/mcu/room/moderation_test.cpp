// What people do to themselves, to each other and, as moderators, to the room.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "tests/unit/mcu/room/fakes.hpp"

namespace parley::room {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// Ann moderates, Bob and Cid do not; Eve sits in another room.
class Moderation : public RoomTest {
 protected:
  Moderation()
      : ann(join(as_moderator(request("r", "Ann", 1)))),
        bob(join("r", "Bob", 2)),
        cid(join("r", "Cid", 3)),
        eve(join("s", "Eve", 4)) {
    sink.clear();
  }
  // A whole new life for a participant's media.
  Joined resume(const Joined& who, int connection_number) {
    auto again = request(who.room, "x", connection_number);
    again.resume = who.resume;
    return join(again);
  }
  Joined ann, bob, cid, eve;
};

TEST_F(Moderation, IsForModeratorsOfThatRoom) {
  const std::pair<const char*, std::function<Status(const ParticipantId&)>> actions[] = {
      {"mute", [&](auto& by) { return rooms.mute("r", by, cid.participant, true); }},
      {"kick", [&](auto& by) { return rooms.kick(at, "r", by, cid.participant, ""); }},
      {"gain", [&](auto& by) { return rooms.set_gain("r", by, cid.participant, 3); }},
      {"group", [&](auto& by) { return rooms.set_group("r", by, cid.participant, 1); }},
      {"dissolve", [&](auto& by) { return rooms.dissolve_groups("r", by, std::nullopt); }},
      {"lock", [&](auto& by) { return rooms.set_locked("r", by, true); }},
      {"mute-all", [&](auto& by) { return rooms.mute_all("r", by); }},
      {"end whispers", [&](auto& by) { return rooms.end_whispers("r", by); }},
  };
  for (const auto& [what, action] : actions) {
    EXPECT_EQ(code(action(bob.participant)), "forbidden") << what;
    EXPECT_EQ(code(action(eve.participant)), "not-joined") << what;
    EXPECT_EQ(code(action("nobody")), "not-joined") << what;
  }
  EXPECT_THAT(sink.events, IsEmpty());
  for (const auto& [what, action] : actions) {
    if (std::string(what) == "kick") continue;  // would take Cid away from the rest
    EXPECT_EQ(code(action(ann.participant)), "ok") << what;
  }
}

TEST_F(Moderation, AMutedParticipantCannotUnmuteItself) {
  ASSERT_TRUE(rooms.mute("r", ann.participant, bob.participant, true));
  EXPECT_TRUE(media.at(bob.answer.leg).muted);
  EXPECT_TRUE(sink.last<ParticipantUpdated>(connection(3)).participant.muted);
  EXPECT_EQ(code(rooms.mute_self(bob.participant, false)), "forbidden");
  ASSERT_TRUE(rooms.mute("r", ann.participant, bob.participant, false));
  EXPECT_FALSE(media.at(bob.answer.leg).muted);
}

TEST_F(Moderation, AModeratorsUnmuteDoesNotOpenAMicrophoneThatItsOwnerClosed) {
  ASSERT_TRUE(rooms.mute_self(bob.participant, true));
  ASSERT_TRUE(rooms.mute("r", ann.participant, bob.participant, true));
  ASSERT_TRUE(rooms.mute("r", ann.participant, bob.participant, false));
  EXPECT_TRUE(media.at(bob.answer.leg).muted);
  ASSERT_TRUE(rooms.mute_self(bob.participant, false));
  EXPECT_FALSE(media.at(bob.answer.leg).muted);
  EXPECT_THAT(sink.all<ParticipantUpdated>(connection(1)), SizeIs(2));  // only what changed was told
}

TEST_F(Moderation, MuteAllSparesWhoAsks) {
  ASSERT_TRUE(rooms.mute_all("r", ann.participant));
  EXPECT_FALSE(media.at(ann.answer.leg).muted);
  EXPECT_TRUE(media.at(bob.answer.leg).muted);
  EXPECT_TRUE(media.at(cid.answer.leg).muted);
  EXPECT_FALSE(media.at(eve.answer.leg).muted);
  ASSERT_TRUE(rooms.mute_all("r", ""));
  EXPECT_TRUE(media.at(ann.answer.leg).muted);
}

TEST_F(Moderation, AKickedParticipantIsToldWhy) {
  ASSERT_TRUE(rooms.kick(at, "r", ann.participant, bob.participant, "noise"));
  EXPECT_EQ(sink.last<Closed>(connection(2)).reason, "kicked");
  EXPECT_EQ(sink.last<Closed>(connection(2)).message, "noise");
  EXPECT_EQ(sink.last<ParticipantLeft>(connection(3)).reason, "kicked");
  EXPECT_EQ(media.removed.at(bob.answer.leg), "kicked");
  EXPECT_THAT(names("r"), ElementsAre("Ann", "Cid"));
  EXPECT_EQ(code(rooms.kick(at, "r", ann.participant, bob.participant, "")), "no-such-participant");
  EXPECT_EQ(code(rooms.kick(at, "r", ann.participant, cid.participant, "\x1b[2J")), "bad-value");
}

TEST_F(Moderation, NobodyIsReachedThroughAnotherRoom) {
  EXPECT_EQ(code(rooms.kick(at, "r", ann.participant, eve.participant, "")), "no-such-participant");
  EXPECT_EQ(code(rooms.mute("r", "", eve.participant, true)), "no-such-participant");
  EXPECT_EQ(code(rooms.mute("x", "", eve.participant, true)), "no-such-room");
  EXPECT_EQ(code(rooms.set_personal_gain(bob.participant, eve.participant, {.db = 1.0F})),
            "no-such-participant");
  EXPECT_EQ(code(rooms.whisper(bob.participant, {cid.participant, eve.participant}, 0)),
            "no-such-participant");
}

TEST_F(Moderation, GainsAreBoundedAndTold) {
  for (const float db : {-40.5F, 12.5F, std::nanf(""), INFINITY})
    EXPECT_EQ(code(rooms.set_gain("r", "", bob.participant, db)), "bad-value") << db;
  ASSERT_TRUE(rooms.set_gain("r", "", bob.participant, -40));
  EXPECT_EQ(media.at(bob.answer.leg).gain_db, -40);
  EXPECT_EQ(sink.last<ParticipantUpdated>(connection(1)).participant.gain_db, -40);
}

TEST_F(Moderation, APersonalGainIsBetweenTwoAndToldToNobody) {
  EXPECT_EQ(code(rooms.set_personal_gain(bob.participant, bob.participant, {.db = 1.0F})),
            "no-such-participant");
  EXPECT_EQ(code(rooms.set_personal_gain(bob.participant, cid.participant, {.db = 13.0F})), "bad-value");
  ASSERT_TRUE(rooms.set_personal_gain(bob.participant, cid.participant, {.db = -12.0F}));
  EXPECT_EQ(media.at(bob.answer.leg).personal.at(cid.answer.leg).db, -12.0F);
  EXPECT_THAT(sink.events, IsEmpty());

  ASSERT_TRUE(rooms.set_personal_gain(bob.participant, cid.participant, {.mute = true}));
  EXPECT_TRUE(media.at(bob.answer.leg).personal.at(cid.answer.leg).mute);
  ASSERT_TRUE(rooms.set_personal_gain(bob.participant, cid.participant, {}));
  EXPECT_FALSE(media.at(bob.answer.leg).personal.at(cid.answer.leg).mute);
  EXPECT_EQ(media.at(bob.answer.leg).personal.at(cid.answer.leg).db, std::nullopt);
}

TEST_F(Moderation, PersonalGainsSurviveANewLegOnEitherSide) {
  ASSERT_TRUE(rooms.set_personal_gain(bob.participant, cid.participant, {.db = -12.0F}));
  const auto bob2 = resume(bob, 12);
  EXPECT_EQ(media.at(bob2.answer.leg).personal.at(cid.answer.leg).db, -12.0F);
  const auto cid2 = resume(cid, 13);
  EXPECT_EQ(media.at(bob2.answer.leg).personal.at(cid2.answer.leg).db, -12.0F);
}

TEST_F(Moderation, AWhisperReachesItsHearersOnly) {
  ASSERT_TRUE(rooms.whisper(bob.participant, {cid.participant, cid.participant}, -15));
  EXPECT_THAT(media.at(bob.answer.leg).audience, ElementsAre(cid.answer.leg));
  EXPECT_EQ(media.at(bob.answer.leg).duck_db, -15);
  for (const float duck : {0.5F, -41.0F, std::nanf("")})
    EXPECT_EQ(code(rooms.whisper(bob.participant, {cid.participant}, duck)), "bad-value") << duck;
  EXPECT_EQ(code(rooms.whisper(bob.participant, {bob.participant}, 0)), "no-such-participant");
  ASSERT_TRUE(rooms.whisper(bob.participant, {}, 0));
  EXPECT_THAT(media.at(bob.answer.leg).audience, IsEmpty());
}

TEST_F(Moderation, AWhisperNeverBecomesPublicWhenItsHearersGo) {
  ASSERT_TRUE(rooms.whisper(bob.participant, {cid.participant}, 0));
  ASSERT_TRUE(rooms.leave(at, cid.participant, connection(3)));
  EXPECT_THAT(media.at(bob.answer.leg).audience, ElementsAre(bob.answer.leg));
  const auto bob2 = resume(bob, 12);
  EXPECT_THAT(media.at(bob2.answer.leg).audience, ElementsAre(bob2.answer.leg));
}

TEST_F(Moderation, AWhisperFollowsItsHearerToANewLeg) {
  ASSERT_TRUE(rooms.whisper(bob.participant, {cid.participant}, 0));
  rooms.leg_gone(at, cid.answer.leg, LegGone::timeout);
  const auto cid2 = resume(cid, 13);
  EXPECT_THAT(media.at(bob.answer.leg).audience, ElementsAre(cid2.answer.leg));
  ASSERT_TRUE(rooms.end_whispers("r", ann.participant));
  EXPECT_THAT(media.at(bob.answer.leg).audience, IsEmpty());
}

TEST_F(Moderation, TheLostFindTheirWhispersAndGainsAgain) {
  ASSERT_TRUE(rooms.whisper(bob.participant, {cid.participant}, 0));
  ASSERT_TRUE(rooms.set_personal_gain(ann.participant, cid.participant, {.mute = true}));
  for (const auto& [who, number] : {std::pair(cid, 3), std::pair(bob, 2)}) {
    rooms.connection_lost(at, connection(number));
    rooms.leg_gone(at, who.answer.leg, LegGone::timeout);
  }
  EXPECT_THAT(names("r"), ElementsAre("Ann"));
  const auto bob2 = resume(bob, 12);  // still whispers, to somebody who is not there
  EXPECT_THAT(media.at(bob2.answer.leg).audience, ElementsAre(bob2.answer.leg));
  const auto cid2 = resume(cid, 13);
  EXPECT_THAT(media.at(bob2.answer.leg).audience, ElementsAre(cid2.answer.leg));
  EXPECT_TRUE(media.at(ann.answer.leg).personal.at(cid2.answer.leg).mute);
}

TEST_F(Moderation, GroupsAreSetTakenAlongAndDissolved) {
  EXPECT_EQ(code(rooms.set_group("r", "", bob.participant, 1001)), "bad-value");
  ASSERT_TRUE(rooms.set_group("r", "", bob.participant, 1));
  ASSERT_TRUE(rooms.set_group("r", "", cid.participant, 2));
  EXPECT_EQ(media.at(bob.answer.leg).group, 1U);
  EXPECT_EQ(sink.last<ParticipantUpdated>(connection(1)).participant.group, 2U);
  const auto bob2 = resume(bob, 12);
  EXPECT_EQ(media.at(bob2.answer.leg).group, 1U);
  ASSERT_TRUE(rooms.dissolve_groups("r", "", 1));
  EXPECT_EQ(media.at(bob2.answer.leg).group, 0U);
  EXPECT_EQ(media.at(cid.answer.leg).group, 2U);
  ASSERT_TRUE(rooms.dissolve_groups("r", "", std::nullopt));
  EXPECT_EQ(media.at(cid.answer.leg).group, 0U);
}

TEST_F(Moderation, LockingIsToldOnce) {
  ASSERT_TRUE(rooms.set_locked("r", ann.participant, true));
  ASSERT_TRUE(rooms.set_locked("r", ann.participant, true));
  EXPECT_THAT(sink.all<RoomUpdated>(connection(2)), SizeIs(1));
  EXPECT_TRUE(sink.last<RoomUpdated>(connection(2)).locked);
  rooms.set_recording("r", true);
  EXPECT_TRUE(sink.last<RoomUpdated>(connection(2)).recording);
  EXPECT_TRUE(rooms.room(at, "r")->recording);
}

TEST_F(Moderation, ThatTheRoomIsStreamedIsToldToAllAndToWhoComesLater) {
  rooms.set_streaming("r", true);
  rooms.set_streaming("r", true);
  for (const int n : {1, 2, 3}) {
    EXPECT_THAT(sink.all<RoomUpdated>(connection(n)), SizeIs(1));
    EXPECT_TRUE(sink.last<RoomUpdated>(connection(n)).streaming);
  }
  EXPECT_TRUE(join(request("r", "dan", 9)).streaming);
  rooms.set_streaming("r", false);
  EXPECT_FALSE(sink.last<RoomUpdated>(connection(9)).streaming);
  EXPECT_FALSE(rooms.room(at, "r")->streaming);
}

TEST_F(Moderation, HandsAndChatReachTheRoom) {
  ASSERT_TRUE(rooms.raise_hand(bob.participant, true));
  ASSERT_TRUE(rooms.raise_hand(bob.participant, true));
  EXPECT_THAT(sink.all<ParticipantUpdated>(connection(1)), SizeIs(1));
  EXPECT_TRUE(info("r", bob.participant).hand);

  ASSERT_TRUE(rooms.chat(bob.participant, "hello\n<b>"));
  for (const int n : {1, 2, 3}) EXPECT_EQ(sink.last<Chat>(connection(n)).text, "hello\n<b>");
  EXPECT_EQ(sink.last<Chat>(connection(1)).name, "Bob");
  EXPECT_THAT(sink.events[connection(4)], IsEmpty());
  EXPECT_EQ(code(rooms.chat(bob.participant, "")), "bad-value");
  EXPECT_EQ(code(rooms.chat(bob.participant, std::string(2001, 'x'))), "bad-value");
  EXPECT_EQ(code(rooms.chat(bob.participant, "\xff")), "bad-value");
}

TEST_F(Moderation, DirectionIsChangedLater) {
  ASSERT_TRUE(rooms.update_direction(bob.participant, false, std::nullopt));
  EXPECT_FALSE(media.at(bob.answer.leg).direction.sends);
  EXPECT_TRUE(media.at(bob.answer.leg).direction.receives);
  EXPECT_FALSE(sink.last<ParticipantUpdated>(connection(3)).participant.sends);
  sink.clear();
  ASSERT_TRUE(rooms.update_direction(bob.participant, false, true));
  EXPECT_THAT(sink.events, IsEmpty());
}

TEST_F(Moderation, APatchThatRestartsIceBeginsANewGeneration) {
  EXPECT_EQ(rooms.ice_generation(bob.participant), 1U);
  EXPECT_EQ(*rooms.patch_media(bob.participant, "a=candidate"), "");
  EXPECT_EQ(rooms.ice_generation(bob.participant), 1U);
  media.patch_answer = "a=ice-ufrag:new";
  EXPECT_EQ(*rooms.patch_media(bob.participant, "a=ice-ufrag:theirs"), "a=ice-ufrag:new");
  EXPECT_EQ(rooms.ice_generation(bob.participant), 2U);
  EXPECT_EQ(refusal_code(rooms.patch_media(bob.participant, "bad").error()), RefusalCode::bad_sdp);
  rooms.leg_gone(at, bob.answer.leg, LegGone::timeout);
  EXPECT_EQ(refusal_code(rooms.patch_media(bob.participant, "x").error()), RefusalCode::conflict);
}

TEST_F(Moderation, WhoHasNotJoinedDoesNothing) {
  const ParticipantId nobody;
  const Status answers[] = {
      rooms.mute_self(nobody, true), rooms.raise_hand(nobody, true),
      rooms.chat(nobody, "x"),       rooms.update_direction(nobody, true, true),
      rooms.whisper(nobody, {}, 0),  rooms.set_personal_gain(nobody, bob.participant, {}),
      rooms.report(nobody, "{}"),    rooms.leave(at, nobody)};
  for (const auto& answer : answers) EXPECT_EQ(code(answer), "not-joined");
}

TEST_F(Moderation, AClientsReportIsKeptForTheQualityView) {
  ASSERT_TRUE(rooms.report(bob.participant, R"({"loss":0.1})"));
  EXPECT_EQ(code(rooms.report(bob.participant, std::string(9000, 'x'))), "bad-value");
  const auto quality = rooms.quality("r");
  ASSERT_TRUE(quality);
  ASSERT_THAT(*quality, SizeIs(3));
  EXPECT_EQ(quality->at(1).client_report, R"({"loss":0.1})");
  EXPECT_FALSE(rooms.quality("nowhere"));
}

}  // namespace
}  // namespace parley::room
