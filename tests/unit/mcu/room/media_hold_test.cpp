// Rooms whose media is held by somebody inside the server.
#include "tests/unit/mcu/room/fakes.hpp"

namespace parley::room {
namespace {

using MediaHold = RoomTest;

TEST_F(MediaHold, OpensTheMediaOfAnEmptyRoomAndKeepsItOpen) {
  const auto held = rooms.hold_media(at, "r");
  ASSERT_TRUE(held);
  EXPECT_TRUE(media.rooms.contains(*held));
  const auto ann = join("r", "Ann");
  EXPECT_EQ(ann.media_room, *held);  // one pipeline for both
  ASSERT_TRUE(rooms.leave(at, ann.participant));
  at += 10h;
  rooms.on_timer(at);
  EXPECT_TRUE(media.rooms.contains(*held));
  EXPECT_EQ(*rooms.media_room("r"), *held);

  rooms.release_media(at, "r", *held);
  EXPECT_TRUE(media.rooms.empty());
  rooms.on_timer(at + 1s);
  EXPECT_TRUE(rooms.room(at, "r"));  // idle from now on, not since it was made
  rooms.on_timer(at + 61s);
  EXPECT_FALSE(rooms.room(at, "r"));
}

TEST_F(MediaHold, TheLastToLetGoClosesIt) {
  const auto ann = join("r", "Ann");
  const auto one = rooms.hold_media(at, "r"), two = rooms.hold_media(at, "r");
  ASSERT_TRUE(one && two);
  EXPECT_EQ(*one, *two);
  ASSERT_TRUE(rooms.leave(at, ann.participant));
  rooms.release_media(at, "r", *one);
  EXPECT_EQ(media.rooms.size(), 1U);
  rooms.release_media(at, "r", *two);
  EXPECT_TRUE(media.rooms.empty());
  rooms.release_media(at, "r", *two);  // once too often
  rooms.release_media(at, "nowhere", *two);
}

TEST_F(MediaHold, AClosedRoomIsClosedWhoeverHoldsIt) {
  const auto old = rooms.hold_media(at, "r");
  ASSERT_TRUE(rooms.close_room(at, "r", "room-closed"));
  EXPECT_TRUE(media.rooms.empty());
  const auto fresh = rooms.hold_media(at, "r");
  ASSERT_TRUE(fresh);
  EXPECT_NE(*old, *fresh);
  rooms.release_media(at, "r", *old);  // it was of the room before
  EXPECT_EQ(media.rooms.size(), 1U);
  rooms.close_all(at, "server-stopping", "");
  EXPECT_TRUE(media.rooms.empty());
  EXPECT_FALSE(rooms.hold_media(at, "r"));
}

TEST_F(MediaHold, ARoomIsNotMadeOfAnything) {
  EXPECT_FALSE(rooms.hold_media(at, ""));
  EXPECT_FALSE(rooms.hold_media(at, "a/b"));
  EXPECT_TRUE(media.rooms.empty());
}

TEST_F(MediaHold, NewsGoToEverybodyInTheRoom) {
  join("r", "Ann", 1);
  join("x", "Eve", 2);
  rooms.announce("r", StreamChanged{"s1", "rtmp://h:1935/a/***", "live", ""});
  rooms.announce("nowhere", StreamChanged{});
  EXPECT_EQ(sink.last<StreamChanged>(connection(1)).state, "live");
  EXPECT_TRUE(sink.all<StreamChanged>(connection(2)).empty());
}

}  // namespace
}  // namespace parley::room
