#include "client/talk_watch.hpp"

#include <gtest/gtest.h>

namespace parley::client {
namespace {

TEST(TalkWatch, TellsEachChangeOnceAndBridgesPausesBetweenWords) {
  TalkWatch watch;
  TimePoint at{10s};
  EXPECT_FALSE(watch.on_packet(at, false));
  EXPECT_FALSE(watch.on_timer(at + 10s));
  EXPECT_TRUE(watch.on_packet(at, true));
  EXPECT_FALSE(watch.on_packet(at += 20ms, true));
  EXPECT_FALSE(watch.on_packet(at + TalkWatch::kHangOver, false));
  EXPECT_TRUE(watch.talking());
  EXPECT_TRUE(watch.on_timer(at + TalkWatch::kHangOver + 1ms));
  EXPECT_FALSE(watch.talking());
  EXPECT_FALSE(watch.on_timer(at + 1s));
  EXPECT_TRUE(watch.on_packet(at + 2s, true));
  EXPECT_TRUE(watch.on_timer(TimePoint::max()));
}

}  // namespace
}  // namespace parley::client
