// Coming and going.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/mcu/room/fakes.hpp"

namespace parley::room {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class Joining : public RoomTest {
 protected:
  using RoomTest::RoomTest;
};

// --- Rooms

TEST_F(Joining, TheFirstToJoinMakesTheRoom) {
  const auto ann = join("kitchen", "Ann", 1);
  EXPECT_EQ(ann.room, "kitchen");
  EXPECT_EQ(ann.participant.size(), 12U);
  EXPECT_EQ(ann.resume.size(), 22U);
  EXPECT_EQ(ann.answer.sdp, "answer to offer of Ann");
  EXPECT_THAT(names("kitchen"), ElementsAre("Ann"));
  EXPECT_THAT(ann.roster, SizeIs(1));
  EXPECT_EQ(ann.roster[0].codec, "opus");
  EXPECT_EQ(ann.roster[0].transport, "dtls-srtp");
  EXPECT_EQ(media.rooms.begin()->second.name, "kitchen");
}

TEST_F(Joining, AnEmptyRoomCostsNothingAndGoesAway) {
  ASSERT_TRUE(rooms.create_room(at, {.name = "r"}));
  EXPECT_EQ(media.rooms_opened, 0);
  const auto ann = join("r", "Ann");
  EXPECT_THAT(media.rooms, SizeIs(1));
  at += 100s;
  ASSERT_TRUE(rooms.leave(at, ann.participant));
  EXPECT_THAT(media.rooms, IsEmpty());

  rooms.on_timer(at + 59s);
  EXPECT_TRUE(rooms.room(at, "r"));
  join("r", "Bob");
  rooms.on_timer(at + 1h);
  EXPECT_TRUE(rooms.room(at, "r"));
  ASSERT_TRUE(rooms.leave(at + 1h, rooms.roster("r")->at(0).id));
  rooms.on_timer(at + 1h + 60s);
  EXPECT_FALSE(rooms.room(at, "r"));
  EXPECT_EQ(media.rooms_opened, 2);
}

TEST_F(Joining, ARoomMadeByTheApiKeepsItsRules) {
  RoomOptions options;
  options.name = "r";
  options.pin = "1234";
  options.max_participants = 2;
  options.max_talkers = 3;
  ASSERT_TRUE(rooms.create_room(at, options));
  EXPECT_EQ(code(rooms.create_room(at, options)), "name-taken");

  auto ann = request("r", "Ann");
  EXPECT_EQ(refusal(ann), "wrong-pin");
  ann.pin = "123";
  EXPECT_EQ(refusal(ann), "wrong-pin");
  ann.pin = "1234";
  join(ann);
  EXPECT_EQ(media.rooms.begin()->second.max_talkers, 3);
  join(ann);
  EXPECT_EQ(refusal(ann), "room-full");

  const auto info = rooms.room(at + 5s, "r");
  ASSERT_TRUE(info);
  EXPECT_TRUE(info->has_pin);
  EXPECT_EQ(info->participants, 2U);
  EXPECT_EQ(info->max_participants, 2U);
  EXPECT_EQ(info->age, 5s);
}

TEST_F(Joining, RoomOptionsAreChecked) {
  struct Row {
    const char* what;
    RoomOptions options;
  };
  const Row rows[] = {
      {"no name", {.name = ""}},
      {"path", {.name = "../x"}},
      {"PIN too long", {.name = "r", .pin = std::string(65, '1')}},
      {"PIN of controls", {.name = "r", .pin = "\n"}},
      {"no participants", {.name = "r", .max_participants = 0}},
      {"too many participants", {.name = "r", .max_participants = 100'001}},
      {"negative talkers", {.name = "r", .max_talkers = -1}},
      {"too many talkers", {.name = "r", .max_talkers = 1001}},
  };
  for (const auto& row : rows) EXPECT_EQ(code(rooms.create_room(at, row.options)), "bad-value") << row.what;
}

TEST_F(Joining, BadNamesAreRefused) {
  EXPECT_EQ(refusal(request("../etc", "Ann")), "bad-value");
  EXPECT_EQ(refusal(request("", "Ann")), "bad-value");
  EXPECT_EQ(refusal(request("r", "\x1b[31mAnn")), "bad-value");
  EXPECT_EQ(refusal(request("r", std::string(500, 'x'))), "bad-value");
  EXPECT_THAT(rooms.rooms(at), IsEmpty());
}

TEST_F(Joining, EqualNamesAreToldApart) {
  join("r", "Ann");
  join("r", "Ann");
  join("r", "");
  join("r", " ");
  join("r", "Ann (2)");
  EXPECT_THAT(names("r"), ElementsAre("Ann", "Ann (2)", "guest", "guest (2)", "Ann (2) (2)"));
}

TEST_F(Joining, ARefusedOfferLeavesNothingBehind) {
  struct Row {
    int status;
    const char* code;
  };
  for (const auto& row : {Row{400, "bad-sdp"}, Row{403, "forbidden"}, Row{406, "not-acceptable"},
                          Row{409, "conflict"}, Row{503, "server-full"}, Row{418, "bad-sdp"}}) {
    media.refuse_with = row.status;
    EXPECT_EQ(refusal(request("r", "Ann", 1)), row.code) << row.status;
    EXPECT_THAT(rooms.rooms(at), IsEmpty());
    EXPECT_THAT(media.rooms, IsEmpty());
  }
  media.refuse_with = 0;
  join("r", "Ann", 1);
  EXPECT_EQ(rooms.counts().refused.at("bad-sdp"), 2U);
}

TEST_F(Joining, EverybodyElseHearsOfItAndOneselfDoesNot) {
  const auto ann = join("r", "Ann", 1);
  const auto bob = join("r", "Bob", 2);
  join("other", "Eve", 3);
  ASSERT_THAT(sink.all<ParticipantJoined>(connection(1)), SizeIs(1));
  EXPECT_EQ(sink.last<ParticipantJoined>(connection(1)).participant.name, "Bob");
  EXPECT_THAT(sink.events[connection(2)], IsEmpty());
  EXPECT_THAT(bob.roster, SizeIs(2));

  ASSERT_TRUE(rooms.leave(at, bob.participant, connection(2)));
  EXPECT_EQ(sink.last<ParticipantLeft>(connection(1)).participant, bob.participant);
  EXPECT_EQ(sink.last<ParticipantLeft>(connection(1)).reason, "left");
  EXPECT_THAT(sink.events[connection(2)], IsEmpty());
  EXPECT_THAT(sink.events[connection(3)], IsEmpty());
  EXPECT_THAT(names("r"), ElementsAre("Ann"));
  EXPECT_EQ(code(rooms.leave(at, bob.participant)), "not-joined");
}

TEST_F(Joining, AConnectionJoinsOnce) {
  join("r", "Ann", 1);
  EXPECT_EQ(refusal(request("r", "Ann", 1)), "already-joined");
  EXPECT_EQ(refusal(request("other", "Ann", 1)), "already-joined");
}

TEST_F(Joining, DirectionsComeFromTheOffer) {
  auto ann = request("r", "Ann");
  ann.sdp = "a=recvonly";
  const auto joined = join(ann);
  EXPECT_FALSE(joined.roster[0].sends);
  EXPECT_TRUE(joined.roster[0].receives);
}

// --- Limits

struct Limited : RoomTest {
  static RoomSettings settings() {
    RoomSettings s;
    s.max_rooms = 2;
    s.max_participants = 3;
    s.joins_per_second = 4;
    s.joins_per_second_per_address = 1;
    return s;
  }
  Limited() : RoomTest(settings()) {}
};

TEST_F(Limited, JoinsOfOneAddressAreSlowedDownAndLoopbackIsNot) {
  int admitted = 0;
  media.refuse_with = 400;  // even a join that comes to nothing counts
  for (int i = 0; i < 10; ++i) admitted += refusal(request("r", "Ann")) == "too-many" ? 0 : 1;
  EXPECT_EQ(admitted, 5);
  at += 1s;
  EXPECT_EQ(refusal(request("r", "Ann")), "bad-sdp");
  EXPECT_EQ(refusal(request("r", "Ann")), "too-many");
  auto local = request("r", "Ann");
  local.remote_ip = "127.0.0.1";
  for (int i = 0; i < 10; ++i) EXPECT_EQ(refusal(local), "bad-sdp");
}

TEST_F(Limited, JoinsOfAllAreLimitedToo) {
  media.refuse_with = 400;
  int admitted = 0;
  for (int i = 0; i < 200; ++i) {
    auto wanted = request("r", "Ann");
    wanted.remote_ip = "198.51.100." + std::to_string(i);
    admitted += refusal(wanted) == "too-many" ? 0 : 1;
  }
  EXPECT_EQ(admitted, 20);
}

TEST_F(Limited, TheServerIsFull) {
  join("a", "Ann");
  join("b", "Bob");
  EXPECT_EQ(refusal(request("c", "Cid")), "server-full");
  EXPECT_EQ(code(rooms.create_room(at, {.name = "c"})), "server-full");
  join("a", "Cid");
  EXPECT_EQ(refusal(request("a", "Dan")), "server-full");
}

TEST_F(Joining, GuessingAPinIsSlowedDownForTheGuesserAlone) {
  ASSERT_TRUE(rooms.create_room(at, {.name = "r", .pin = "1234"}));
  auto guess = request("r", "Eve");
  for (int i = 0; i < 10; ++i) {
    guess.pin = std::to_string(1000 + i);
    EXPECT_EQ(refusal(guess), "wrong-pin");
  }
  guess.pin = "1234";
  EXPECT_EQ(refusal(guess), "too-many");
  auto ann = request("r", "Ann");
  ann.pin = "1234";
  ann.remote_ip = "192.0.2.7";
  join(ann);
  at += 5s;
  join(guess);
}

TEST_F(Joining, AnOverloadedServerRefusesNewcomersOnly) {
  const auto ann = join("r", "Ann", 1);
  rooms.refuse_joins(true);
  EXPECT_EQ(refusal(request("r", "Bob")), "server-full");
  auto again = request("r", "Ann", 2);
  again.resume = ann.resume;
  EXPECT_EQ(join(again).participant, ann.participant);
  rooms.refuse_joins(false);
  join("r", "Bob");
}

// --- Locks and tokens

TEST_F(Joining, ALockedRoomAdmitsModeratorsOnly) {
  join("r", "Ann");
  ASSERT_TRUE(rooms.set_locked("r", "", true));
  EXPECT_EQ(refusal(request("r", "Bob")), "locked");
  const auto joined = join(as_moderator(request("r", "Mod")));
  EXPECT_EQ(joined.role, Role::moderator);
  EXPECT_TRUE(joined.locked);
}

struct WithTokens : RoomTest {
  static RoomSettings settings() {
    auto s = generous();
    s.token_required = true;
    return s;
  }
  WithTokens() : RoomTest(settings()) {}

  static JoinRequest with_token(const std::string& name, const std::string& once_key = {}) {
    auto wanted = request("r", "asked for");
    wanted.admission = Admission{};
    wanted.admission->name = name;
    wanted.admission->once_key = once_key;
    return wanted;
  }
};

TEST_F(WithTokens, NobodyJoinsWithoutOne) {
  EXPECT_EQ(refusal(request("r", "Ann")), "bad-token");
  join(with_token("Ann"));
  EXPECT_THAT(names("r"), ElementsAre("Ann"));
}

TEST_F(WithTokens, ATokenStandsForThePin) {
  ASSERT_TRUE(rooms.create_room(at, {.name = "r", .pin = "1234"}));
  join(with_token("Ann"));
}

TEST_F(WithTokens, AOnceTokenAdmitsOneJoin) {
  auto wanted = with_token("Ann", "key");
  wanted.admission->expires = at + 100s;
  media.refuse_with = 406;
  EXPECT_EQ(refusal(wanted), "not-acceptable");  // not used up by a join that failed
  media.refuse_with = 0;
  const auto ann = join(wanted);
  EXPECT_EQ(refusal(wanted), "bad-token");

  ASSERT_TRUE(rooms.leave(at, ann.participant));
  EXPECT_EQ(refusal(wanted), "bad-token");
  rooms.on_timer(at + 99s);
  EXPECT_EQ(refusal(wanted), "bad-token");
}

TEST_F(WithTokens, ItsHolderResumesWithoutIt) {
  auto wanted = with_token("Ann", "key");
  wanted.admission->expires = at + 100s;
  const auto ann = join(wanted);
  wanted.resume = ann.resume;
  EXPECT_EQ(join(wanted).participant, ann.participant);
}

// --- Resuming

TEST_F(Joining, AResumeReplacesLegAndConnection) {
  const auto ann = join("r", "Ann", 1);
  const auto bob = join("r", "Bob", 2);
  sink.clear();
  auto again = request("r", "another name", 3);
  again.resume = ann.resume;
  const auto back = join(again);
  EXPECT_EQ(back.participant, ann.participant);
  EXPECT_NE(back.resume, ann.resume);
  EXPECT_NE(back.answer.leg, ann.answer.leg);
  EXPECT_EQ(media.removed.at(ann.answer.leg), "replaced");
  EXPECT_THAT(media.legs, SizeIs(2));
  EXPECT_THAT(names("r"), ElementsAre("Ann", "Bob"));

  EXPECT_EQ(sink.last<Closed>(connection(1)).reason, "replaced");
  EXPECT_THAT(sink.all<ParticipantLeft>(connection(2)), IsEmpty());
  EXPECT_THAT(sink.all<ParticipantJoined>(connection(2)), IsEmpty());
  EXPECT_THAT(sink.all<ParticipantUpdated>(connection(2)), SizeIs(1));

  // The old connection's end is nobody's end, the old leg's end neither.
  rooms.connection_lost(at, connection(1));
  rooms.leg_gone(at, ann.answer.leg, LegGone::timeout);
  EXPECT_THAT(names("r"), ElementsAre("Ann", "Bob"));
  EXPECT_EQ(refusal([&] {
              auto stale = request("r", "Ann", 4);
              stale.resume = ann.resume;
              stale.room = "r";
              return stale;
            }()),
            "none");  // a stale token is no token: a newcomer
  EXPECT_THAT(names("r"), ElementsAre("Ann", "Bob", "Ann (2)"));
  EXPECT_EQ(bob.room, "r");
}

TEST_F(Joining, ATokenOfAnotherRoomResumesNobody) {
  const auto ann = join("r", "Ann", 1);
  auto elsewhere = request("s", "Eve", 2);
  elsewhere.resume = ann.resume;
  EXPECT_NE(join(elsewhere).participant, ann.participant);
  EXPECT_THAT(names("r"), ElementsAre("Ann"));
  EXPECT_THAT(media.legs, SizeIs(2));
}

TEST_F(Joining, TheOldLegStandsUntilTheNewOneDoes) {
  const auto ann = join("r", "Ann", 1);
  auto again = request("r", "Ann", 1);
  again.resume = ann.resume;
  media.refuse_with = 406;
  EXPECT_EQ(refusal(again), "not-acceptable");
  EXPECT_TRUE(media.legs.contains(ann.answer.leg));
  EXPECT_THAT(names("r"), ElementsAre("Ann"));
}

TEST_F(Joining, APlainLegThatComesBackFromItsOwnAddressIsNoConflict) {
  const auto ann = join("r", "Ann", 1);
  media.conflict_while_legs_exist = true;
  EXPECT_EQ(refusal(request("r", "Eve", 2)), "conflict");
  auto again = request("r", "Ann", 1);
  again.resume = ann.resume;
  EXPECT_EQ(join(again).participant, ann.participant);
  EXPECT_THAT(media.legs, SizeIs(1));
  EXPECT_THAT(media.rooms, SizeIs(1));
}

TEST_F(Joining, ASameConnectionMayOfferAgainWithItsOwnToken) {
  const auto ann = join("r", "Ann", 1);
  rooms.leg_gone(at, ann.answer.leg, LegGone::timeout);
  EXPECT_EQ(info("r", ann.participant).codec, "");
  EXPECT_EQ(sink.last<ParticipantUpdated>(connection(1)).participant.codec, "");
  EXPECT_THAT(media.rooms, IsEmpty());
  auto again = request("r", "Ann", 1);
  again.resume = ann.resume;
  const auto back = join(again);
  EXPECT_EQ(back.participant, ann.participant);
  EXPECT_EQ(info("r", ann.participant).codec, "opus");
  EXPECT_THAT(sink.all<Closed>(connection(1)), IsEmpty());
}

// --- Being lost

TEST_F(Joining, WithoutAConnectionTheLegIsTheParticipant) {
  join("r", "Ann", 1);
  struct Row {
    LegGone why;
    const char* reason;
  };
  for (const auto& row : {Row{LegGone::timeout, "timeout"}, Row{LegGone::bye, "left"},
                          Row{LegGone::closed, "left"}, Row{LegGone::failed, "media-failed"}}) {
    const auto whip = join("r", "Whip");
    rooms.leg_gone(at, whip.answer.leg, row.why);
    EXPECT_EQ(sink.last<ParticipantLeft>(connection(1)).participant, whip.participant);
    EXPECT_EQ(sink.last<ParticipantLeft>(connection(1)).reason, row.reason);
    EXPECT_FALSE(media.legs.contains(whip.answer.leg));
  }
  EXPECT_THAT(names("r"), ElementsAre("Ann"));
}

TEST_F(Joining, ADroppedConnectionLeavesTheLegItsTime) {
  const auto ann = join("r", "Ann", 1);
  join("r", "Bob", 2);
  rooms.connection_lost(at, connection(1));
  EXPECT_THAT(names("r"), ElementsAre("Ann", "Bob"));
  rooms.leg_gone(at + 10s, ann.answer.leg, LegGone::timeout);
  EXPECT_THAT(names("r"), ElementsAre("Bob"));
  EXPECT_EQ(sink.last<ParticipantLeft>(connection(2)).reason, "timeout");
}

TEST_F(Joining, NeitherLegNorConnectionIsNobody) {
  const auto ann = join("r", "Ann", 1);
  rooms.leg_gone(at, ann.answer.leg, LegGone::timeout);
  EXPECT_THAT(names("r"), ElementsAre("Ann"));
  rooms.connection_lost(at, connection(1));
  EXPECT_THAT(names("r"), IsEmpty());
}

TEST_F(Joining, TheLostComeBackAsThemselvesIntoALockedRoom) {
  join("r", "Bob", 2);
  const auto ann = join(as_moderator(request("r", "Ann", 1)));
  ASSERT_TRUE(rooms.set_gain("r", "", ann.participant, -6));
  ASSERT_TRUE(rooms.mute("r", "", ann.participant, true));
  rooms.connection_lost(at, connection(1));
  rooms.leg_gone(at, ann.answer.leg, LegGone::timeout);
  ASSERT_TRUE(rooms.set_locked("r", "", true));

  auto again = request("r", "whoever", 3);
  EXPECT_EQ(refusal(again), "locked");
  again.resume = ann.resume;
  at += 59s;
  const auto back = join(again);
  EXPECT_EQ(back.participant, ann.participant);
  EXPECT_EQ(back.role, Role::moderator);
  EXPECT_EQ(info("r", ann.participant).name, "Ann");
  EXPECT_EQ(media.at(back.answer.leg).gain_db, -6);
  EXPECT_TRUE(media.at(back.answer.leg).muted);
  EXPECT_EQ(sink.last<ParticipantJoined>(connection(2)).participant.id, ann.participant);
}

TEST_F(Joining, ANameThatWasTakenMeanwhileIsNotTakenBack) {
  join("r", "Bob", 2);
  const auto ann = join("r", "Ann");
  rooms.leg_gone(at, ann.answer.leg, LegGone::timeout);
  join("r", "Ann");
  auto again = request("r", "x");
  again.resume = ann.resume;
  EXPECT_EQ(join(again).participant, ann.participant);
  EXPECT_THAT(names("r"), ElementsAre("Bob", "Ann", "Ann (2)"));
}

TEST_F(Joining, ATicketLivesAMinuteAndServesOnce) {
  join("r", "Bob", 2);
  const auto ann = join("r", "Ann");
  rooms.leg_gone(at, ann.answer.leg, LegGone::timeout);
  ASSERT_TRUE(rooms.set_locked("r", "", true));
  auto again = request("r", "Ann");
  again.resume = ann.resume;
  media.refuse_with = 406;
  EXPECT_EQ(refusal(again), "not-acceptable");  // a failed try does not use it up
  media.refuse_with = 0;
  join(again);
  EXPECT_EQ(refusal(again), "locked");

  const auto cid = join(as_moderator(request("r", "Cid")));
  rooms.leg_gone(at, cid.answer.leg, LegGone::timeout);
  again.resume = cid.resume;
  at += 60s;
  rooms.on_timer(at);
  EXPECT_EQ(refusal(again), "locked");
}

TEST_F(Joining, WhoLeftOrWasPutOutHasNoTicket) {
  join("r", "Bob", 2);
  const auto ann = join("r", "Ann", 1);
  const auto cid = join("r", "Cid", 3);
  ASSERT_TRUE(rooms.leave(at, ann.participant, connection(1)));
  ASSERT_TRUE(rooms.kick(at, "r", "", cid.participant, ""));
  ASSERT_TRUE(rooms.set_locked("r", "", true));
  for (const auto& token : {ann.resume, cid.resume}) {
    auto again = request("r", "x");
    again.resume = token;
    EXPECT_EQ(refusal(again), "locked");
  }
}

TEST_F(Joining, LeavingByWhipTellsAConnectionThatTheParticipantHas) {
  const auto ann = join("r", "Ann", 1);
  EXPECT_EQ(rooms.holder("r", ann.resume), ann.participant);
  EXPECT_EQ(rooms.holder("s", ann.resume), std::nullopt);
  EXPECT_EQ(rooms.holder("r", ""), std::nullopt);
  EXPECT_EQ(rooms.holder("r", ann.resume.substr(0, 21)), std::nullopt);
  ASSERT_TRUE(rooms.leave(at, ann.participant));
  EXPECT_EQ(sink.last<Closed>(connection(1)).reason, "left");
}

// --- The end

TEST_F(Joining, AClosedRoomTellsEverybodyAndIsGone) {
  const auto ann = join("r", "Ann", 1);
  join("r", "Whip");
  join("s", "Eve", 3);
  ASSERT_TRUE(rooms.close_room(at, "r", "room-closed"));
  EXPECT_EQ(sink.last<Closed>(connection(1)).reason, "room-closed");
  EXPECT_THAT(sink.events[connection(3)], IsEmpty());
  EXPECT_THAT(media.legs, SizeIs(1));
  EXPECT_EQ(code(rooms.close_room(at, "r", "room-closed")), "no-such-room");
  EXPECT_EQ(code(rooms.leave(at, ann.participant)), "not-joined");
  join("t", "Ann", 1);  // the connection is free again
}

TEST_F(Joining, TheEndOfTheServerIsTold) {
  join("r", "Ann", 1);
  join("s", "Bob", 2);
  rooms.close_all(at, "server-stopping", "good night");
  for (const int n : {1, 2}) {
    EXPECT_EQ(sink.last<Closed>(connection(n)).reason, "server-stopping");
    EXPECT_EQ(sink.last<Closed>(connection(n)).message, "good night");
  }
  EXPECT_THAT(media.legs, IsEmpty());
  EXPECT_THAT(media.rooms, IsEmpty());
  EXPECT_EQ(refusal(request("r", "Ann", 3)), "server-stopping");
  EXPECT_EQ(code(rooms.create_room(at, {.name = "r"})), "server-stopping");
}

TEST_F(Joining, CountsAreKept) {
  join("r", "Ann", 1);
  media.encrypted = false;
  media.codec = "PCMU";
  const auto bob = join("s", "Bob");
  auto counts = rooms.counts();
  EXPECT_EQ(counts.rooms, 2U);
  EXPECT_EQ(counts.participants, 2U);
  EXPECT_EQ(counts.legs, 2U);
  EXPECT_EQ(counts.joins, 2U);
  EXPECT_EQ(counts.legs_by_transport, (std::map<std::string, std::size_t>{{"dtls-srtp", 1}, {"rtp", 1}}));
  EXPECT_EQ(counts.legs_by_codec, (std::map<std::string, std::size_t>{{"opus", 1}, {"PCMU", 1}}));
  rooms.leg_gone(at, bob.answer.leg, LegGone::bye);
  counts = rooms.counts();
  EXPECT_EQ(counts.participants, 1U);
  EXPECT_EQ(counts.legs, 1U);
}

// Twenty thousand random steps: whatever order things happen in, nothing is left behind.
TEST_F(Joining, NothingLeaksInAnyOrder) {
  std::vector<Joined> known;
  std::uint32_t state = 1;
  const auto random = [&state](std::uint32_t below) {
    state = state * 1664525U + 1013904223U;
    return (state >> 8U) % below;
  };
  int next_connection = 1;
  for (int step = 0; step < 20'000; ++step) {
    at += 50ms;
    const auto pick = [&]() -> Joined {
      return known.empty() ? Joined{} : known[random(static_cast<std::uint32_t>(known.size()))];
    };
    switch (random(8)) {
      case 0:
      case 1: {
        auto wanted = request("r" + std::to_string(random(3)), "x", random(2) == 0 ? next_connection++ : 0);
        if (random(2) == 0) wanted.resume = pick().resume;
        if (random(4) == 0) media.refuse_with = 406;
        if (auto joined = rooms.join(at, wanted)) known.push_back(*joined);
        media.refuse_with = 0;
        break;
      }
      case 2:
        static_cast<void>(rooms.leave(at, pick().participant));
        break;
      case 3:
        rooms.leg_gone(at, pick().answer.leg, LegGone::timeout);
        break;
      case 4:
        rooms.connection_lost(
            at, connection(1 + static_cast<int>(random(static_cast<std::uint32_t>(next_connection)))));
        break;
      case 5:
        static_cast<void>(rooms.kick(at, "r0", "", pick().participant, ""));
        break;
      case 6:
        static_cast<void>(rooms.whisper(pick().participant, {pick().participant}, -10));
        break;
      default:
        static_cast<void>(rooms.set_personal_gain(pick().participant, pick().participant, {.db = -3.0F}));
        rooms.on_timer(at);
    }
    std::size_t people = 0;
    for (const auto& info : rooms.rooms(at)) people += info.participants;
    const auto counts = rooms.counts();
    ASSERT_EQ(people, counts.participants);
    ASSERT_EQ(counts.legs, media.legs.size());
    if (known.size() > 60) known.erase(known.begin(), known.begin() + 30);
  }
  EXPECT_GT(rooms.counts().joins, 1000U);
  rooms.close_all(at, "server-stopping", "");
  EXPECT_THAT(media.legs, IsEmpty());
  EXPECT_THAT(media.rooms, IsEmpty());
}

}  // namespace
}  // namespace parley::room
