// What outlives the server, without a disk: what the port was told is what the next server is given.
#include "mcu/room/seats.hpp"

#include <gtest/gtest.h>

#include "tests/unit/mcu/room/fakes.hpp"

namespace parley::room {
namespace {

class FakeSeats final : public SeatPort {
 public:
  std::map<ParticipantId, Seat> seats;
  std::vector<std::pair<std::string, TimePoint>> used;

  void keep(const Seat& seat) override { seats[seat.participant] = seat; }
  void forget(const ParticipantId& who) override { seats.erase(who); }
  void used_once(const std::string& key, TimePoint expires) override { used.emplace_back(key, expires); }
  Memory memory() const {
    Memory out;
    for (const auto& [id, seat] : seats) out.seats.push_back(seat);
    out.used_once_keys = used;
    return out;
  }
};

class Seats : public RoomTest {
 protected:
  Seats() { rooms.set_seats(kept); }
  Joined join_anew(RoomService& server, const JoinRequest& wanted) {
    auto joined = server.join(at, wanted);
    if (!joined) ADD_FAILURE() << joined.error().what;
    return joined ? *joined : Joined{};
  }

  FakeSeats kept;
  FakeMedia media_anew;
  RoomService anew{generous(), media_anew, sink};
};

TEST_F(Seats, TheSameParticipantAfterARestart) {
  const auto ann = join(as_moderator(request("r", "Ann", 1)));
  EXPECT_TRUE(rooms.mute("r", {}, ann.participant, true));
  rooms.close_all(at, "server-stopping", "");
  anew.restore(at, kept.memory());
  auto back = request("r", "whoever", 7);
  back.resume = ann.resume;
  const auto joined = join_anew(anew, back);
  EXPECT_EQ(joined.participant, ann.participant);
  EXPECT_EQ(joined.role, Role::moderator);
  EXPECT_NE(joined.resume, ann.resume);
  ASSERT_EQ(joined.roster.size(), 1U);
  EXPECT_EQ(joined.roster[0].name, "Ann");
  EXPECT_TRUE(joined.roster[0].muted);
  EXPECT_TRUE(media_anew.at(joined.answer.leg).muted);
  back.connection = connection(8);
  EXPECT_NE(join_anew(anew, back).participant, ann.participant) << "a token is good for one return";
}

TEST_F(Seats, WhoLeftOrWasPutOutIsForgotten) {
  const auto ann = join("r", "Ann", 1), bob = join("r", "Bob", 2), carol = join("q", "Carol", 3);
  join("r", "by WHIP");
  EXPECT_EQ(kept.seats.size(), 3U);
  EXPECT_TRUE(rooms.leave(at, ann.participant, connection(1)));
  EXPECT_TRUE(rooms.kick(at, "r", {}, bob.participant, ""));
  EXPECT_TRUE(rooms.close_room(at, "q", "room-closed"));
  EXPECT_TRUE(kept.seats.empty());
}

TEST_F(Seats, WhoWasLostIsKeptAsLongAsItMayComeBack) {
  const auto ann = join("r", "Ann", 1);
  rooms.connection_lost(at, connection(1));
  rooms.leg_gone(at, ann.answer.leg, LegGone::timeout);
  EXPECT_EQ(kept.seats.size(), 1U);
  rooms.on_timer(at + 61s);
  EXPECT_TRUE(kept.seats.empty());
}

TEST_F(Seats, AMinuteAfterTheRestartItIsTooLate) {
  const auto ann = join("r", "Ann", 1);
  anew.restore(at, kept.memory());
  at += 61s;
  anew.on_timer(at);
  auto back = request("r", "Ann", 7);
  back.resume = ann.resume;
  EXPECT_NE(join_anew(anew, back).participant, ann.participant);
}

TEST_F(Seats, TokensForOneJoinStayUsed) {
  auto ann = request("r", "Ann", 1);
  ann.admission = Admission{"Ann", Role::participant, "key of the token", at + 1h};
  const auto joined = join(ann);
  anew.restore(at, kept.memory());
  ann.connection = connection(2);
  const auto again = anew.join(at, ann);
  ASSERT_FALSE(again);
  EXPECT_EQ(refusal_code(again.error()), RefusalCode::bad_token);
  ann.resume = joined.resume;
  EXPECT_EQ(join_anew(anew, ann).participant, joined.participant) << "its holder comes back";
}

TEST_F(Seats, ACallGoesOnAsACall) {
  RoomOptions options;
  options.name = "call-x";
  options.max_participants = 2;
  options.call = true;
  EXPECT_TRUE(rooms.create_room(at, options));
  const auto ann = join("call-x", "Ann", 1);
  anew.restore(at, kept.memory());
  auto back = request("call-x", "Ann", 7);
  back.resume = ann.resume;
  join_anew(anew, back);
  EXPECT_EQ(anew.room(at, "call-x")->max_participants, 2U);
  anew.on_timer(at + 31s);
  EXPECT_FALSE(anew.room(at + 31s, "call-x")) << "nobody else came";
}

TEST_F(Seats, WhatCannotBeOursIsLeftOut) {
  Memory memory;
  memory.seats = {{"", "aaaaaaaaaaaa", "Ann", std::string(22, 'r')},
                  {"r", "short", "Ann", std::string(22, 'r')},
                  {"r", "aaaaaaaaaaaa", "Ann", ""},
                  {"r", "aaaaaaaaaaaa", "a\nb", std::string(22, 'r')}};
  memory.used_once_keys = {{"old", at - 1s}};
  anew.restore(at, memory);
  auto back = request("r", "Ann", 7);
  back.resume = std::string(22, 'r');
  EXPECT_NE(join_anew(anew, back).participant, "aaaaaaaaaaaa");
}

}  // namespace
}  // namespace parley::room
