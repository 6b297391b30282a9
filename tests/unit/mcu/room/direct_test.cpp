// Which rooms may go direct, when they come back, and what is passed from end to end.
#include <gtest/gtest.h>

#include "fakes.hpp"

namespace parley::room {
namespace {

class DirectRoomTest : public RoomTest {
 protected:
  explicit DirectRoomTest(const RoomSettings& settings = generous()) : RoomTest(settings) {}

  // Joins, and its media comes up.
  Joined come(const std::string& name, int number, bool direct = true) {
    auto wanted = as_moderator(request("room", name, number));
    wanted.direct = direct;
    const auto joined = join(wanted);
    rooms.leg_connected(joined.answer.leg);
    return joined;
  }
  void pass(Duration time = 200ms) {
    at += time;
    rooms.on_timer(at);
  }
  std::string call() const { return sink.last<DirectStart>(connection(1)).call; }
  std::size_t starts() const { return sink.all<DirectStart>(connection(1)).size(); }
  std::size_t stops() const { return sink.all<DirectStop>(connection(1)).size(); }
  // Both have come and are told to try.
  void begin() {
    ann = come("ann", 1);
    bob = come("bob", 2);
    pass();
    ASSERT_EQ(starts(), 1U);
  }

  Joined ann, bob;
};

TEST_F(DirectRoomTest, TwoAreBroughtTogetherAndOneOfThemControls) {
  begin();
  const auto at_ann = sink.last<DirectStart>(connection(1)), at_bob = sink.last<DirectStart>(connection(2));
  EXPECT_EQ(at_ann.call, at_bob.call);
  EXPECT_EQ(at_ann.peer, bob.participant);
  EXPECT_EQ(at_bob.peer, ann.participant);
  EXPECT_NE(at_ann.controlling, at_bob.controlling);
  pass();
  EXPECT_EQ(starts(), 1U);  // once
}

class NoProbingTest : public DirectRoomTest {
 protected:
  static RoomSettings settings() {
    auto settings = generous();
    settings.direct_probing = false;
    return settings;
  }
  NoProbingTest() : DirectRoomTest(settings()) {}
};

TEST_F(DirectRoomTest, ProbingIsAllowedUnlessTheServerSaysNo) {
  begin();
  EXPECT_TRUE(sink.last<DirectStart>(connection(1)).probing);
}
TEST_F(NoProbingTest, TheServerSaysNoToBoth) {
  begin();
  for (const int end : {1, 2}) EXPECT_FALSE(sink.last<DirectStart>(connection(end)).probing);
}

TEST_F(DirectRoomTest, OffersAndStatesGoToTheOtherEndOnly) {
  begin();
  const DirectTerms terms{call(), "ufrag", "password", "sha-256 AB", {"192.0.2.1:5004"}};
  ASSERT_EQ(code(rooms.direct_offer(ann.participant, terms)), "ok");
  EXPECT_EQ(sink.last<DirectPeer>(connection(2)).terms.candidates, terms.candidates);
  EXPECT_TRUE(sink.all<DirectPeer>(connection(1)).empty());
  ASSERT_EQ(code(rooms.direct_state(at, bob.participant, call(), "ready", "")), "ok");
  EXPECT_EQ(sink.last<DirectPeerState>(connection(1)).state, "ready");
  for (const char* ports : {"ports-constant", "ports-vary"}) {
    ASSERT_EQ(code(rooms.direct_state(at, bob.participant, call(), ports, "")), "ok");
    EXPECT_EQ(sink.last<DirectPeerState>(connection(1)).state, ports);
  }
  EXPECT_FALSE(rooms.room(at, "room")->direct);
  for (const auto& who : {ann, bob})
    ASSERT_EQ(code(rooms.direct_state(at, who.participant, call(), "active", "")), "ok");
  EXPECT_TRUE(rooms.room(at, "room")->direct);
}

TEST_F(DirectRoomTest, StrangersAndNonsenseAreRefused) {
  begin();
  DirectTerms terms{call(), "ufrag", "password", "sha-256 AB", {}};
  terms.candidates.resize(21, "192.0.2.1:5004");
  EXPECT_EQ(code(rooms.direct_offer(ann.participant, terms)), "bad-value");
  terms.candidates.clear();
  terms.call = "another";
  EXPECT_EQ(code(rooms.direct_offer(ann.participant, terms)), "conflict");
  EXPECT_EQ(code(rooms.direct_offer("nobody", terms)), "not-joined");
  EXPECT_EQ(code(rooms.direct_state(at, ann.participant, call(), "dancing", "")), "bad-value");
  auto elsewhere = request("other", "eve", 3);
  elsewhere.direct = true;
  const auto eve = join(elsewhere);
  EXPECT_EQ(code(rooms.direct_state(at, eve.participant, call(), "active", "")), "conflict");
  EXPECT_TRUE(sink.all<DirectPeer>(connection(2)).empty());
}

TEST_F(DirectRoomTest, WhateverNeedsTheServerBringsThemBack) {
  const auto change = [this](const std::function<void()>& make, const std::function<void()>& undo,
                             const char* reason) {
    SCOPED_TRACE(reason);
    pass();
    const auto starts_before = starts(), stops_before = stops();
    make();
    ASSERT_EQ(stops(), stops_before + 1);
    EXPECT_EQ(sink.last<DirectStop>(connection(2)).reason, reason);
    pass();
    EXPECT_EQ(starts(), starts_before);
    undo();
    pass();
    EXPECT_EQ(starts(), starts_before + 1);
  };
  begin();
  const auto& a = ann.participant;
  const auto& b = bob.participant;
  change([&] { rooms.set_recording("room", true); }, [&] { rooms.set_recording("room", false); },
         "recording");
  RoomId held = RoomId::none;
  change([&] { held = rooms.hold_media(at, "room").value(); }, [&] { rooms.release_media(at, "room", held); },
         "broadcast");
  change([&] { rooms.mute("room", {}, a, true).ok(); }, [&] { rooms.mute("room", {}, a, false).ok(); },
         "moderation");
  change([&] { rooms.set_gain("room", {}, a, 3).ok(); }, [&] { rooms.set_gain("room", {}, a, 0).ok(); },
         "moderation");
  change([&] { rooms.set_group("room", {}, a, 1).ok(); }, [&] { rooms.set_group("room", {}, a, 0).ok(); },
         "moderation");
  change(
      [&] {
        rooms.set_personal_gain(a, b, {3.0F, false}).ok();
      },
      [&] { rooms.set_personal_gain(a, b, {}).ok(); }, "moderation");
  change([&] { rooms.whisper(a, {b}, 0).ok(); }, [&] { rooms.whisper(a, {}, 0).ok(); }, "moderation");
  Joined carol;
  change([&] { carol = come("carol", 3); }, [&] { rooms.leave(at, carol.participant).ok(); }, "participants");
  change([&] { rooms.leg_gone(at, bob.answer.leg, LegGone::timeout); },
         [&] {
           auto again = request("room", "bob", 2);
           again.resume = bob.resume;
           again.direct = true;
           rooms.leg_connected(join(again).answer.leg);
         },
         "participants");
}

TEST_F(DirectRoomTest, OneWhoMutesItselfNeedsNoServer) {
  begin();
  rooms.mute_self(ann.participant, true).ok();
  EXPECT_EQ(stops(), 0U);
}

TEST_F(DirectRoomTest, WithoutTheMeansNobodyIsAsked) {
  come("ann", 1);
  come("bob", 2, false);
  pass();
  EXPECT_EQ(starts(), 0U);
}

TEST_F(DirectRoomTest, ARoomMaySayNever) {
  RoomOptions options;
  options.name = "room";
  options.direct = DirectPolicy::never;
  ASSERT_TRUE(rooms.create_room(at, options));
  come("ann", 1);
  come("bob", 2);
  pass();
  EXPECT_EQ(starts(), 0U);
}

TEST_F(DirectRoomTest, WhatFailedIsTriedAgainLaterAndOnAnotherNetworkAtOnce) {
  begin();
  const auto fail = [&] {
    return code(rooms.direct_state(at, ann.participant, call(), "failed", "no-path"));
  };
  ASSERT_EQ(fail(), "ok");
  EXPECT_EQ(sink.last<DirectStop>(connection(2)).reason, "no-path");
  pass(29s);
  EXPECT_EQ(starts(), 1U);
  pass(2s);
  ASSERT_EQ(starts(), 2U);
  ASSERT_EQ(fail(), "ok");
  pass(31s);
  EXPECT_EQ(starts(), 2U);  // twice as long
  rooms.leg_address(bob.answer.leg, "198.51.100.7:4000");
  pass();
  EXPECT_EQ(starts(), 3U);
}

TEST_F(DirectRoomTest, ANewAddressIsToldToThePeer) {
  begin();
  rooms.leg_address(bob.answer.leg, "198.51.100.7:4000");
  rooms.leg_address(bob.answer.leg, "198.51.100.7:4000");
  ASSERT_EQ(sink.all<DirectAddress>(connection(1)).size(), 1U);
  EXPECT_EQ(sink.last<DirectAddress>(connection(1)).address, "198.51.100.7:4000");
  EXPECT_TRUE(sink.all<DirectAddress>(connection(2)).empty());
}

}  // namespace
}  // namespace parley::room
