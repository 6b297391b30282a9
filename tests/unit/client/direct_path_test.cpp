#include "client/direct_path.hpp"

#include <gtest/gtest.h>

namespace parley::client {
namespace {

using State = DirectPath::State;

class DirectPathTest : public testing::Test {
 protected:
  // Time passes in the steps of the session's timer, with a packet of the peer in each if `heard`.
  void pass(Duration length, bool heard, bool sound = true) {
    for (const TimePoint end = at_ + length; at_ < end;) {
      at_ += 20ms;
      if (heard) path_.heard(at_, sound);
      path_.on_timer(at_);
    }
  }
  void become_active() {
    path_.start(at_);
    path_.connected(at_);
    path_.heard(at_, true);
    EXPECT_EQ(path_.take_news(), "ready");
    path_.peer_is(at_, "ready");
    EXPECT_EQ(path_.take_news(), "active");
    path_.peer_is(at_, "active");
    pass(DirectPath::kOverlap + 40ms, true);
  }

  TimePoint at_{100s};
  DirectPath path_;
};

TEST_F(DirectPathTest, TheServerIsSentToUntilThePeerListens) {
  EXPECT_TRUE(path_.sends_mcu());
  path_.start(at_);
  EXPECT_FALSE(path_.sends_direct());
  path_.connected(at_);
  EXPECT_TRUE(path_.sends_direct());
  pass(1s, false);
  EXPECT_FALSE(path_.listens_direct());
  path_.heard(at_, true);
  EXPECT_EQ(path_.take_news(), "ready");
  EXPECT_FALSE(path_.listens_direct());  // the peer may not hear us
  path_.peer_is(at_, "ready");
  EXPECT_TRUE(path_.listens_direct());
  pass(1s, true);
  EXPECT_TRUE(path_.sends_mcu());  // the peer does not listen yet
  path_.peer_is(at_, "active");
  pass(DirectPath::kOverlap - 20ms, true);
  EXPECT_TRUE(path_.sends_mcu());
  pass(60ms, true);
  EXPECT_FALSE(path_.sends_mcu());
}

TEST_F(DirectPathTest, WithoutAPathItGivesUp) {
  path_.start(at_);
  pass(DirectPath::kConnectLimit, false);
  EXPECT_EQ(path_.take_failure(), "no-path");
  EXPECT_EQ(path_.take_failure(), std::nullopt);
  EXPECT_EQ(path_.state(), State::off);
}

TEST_F(DirectPathTest, SilenceInSpeechBringsTheServerInAtOnce) {
  become_active();
  ASSERT_FALSE(path_.sends_mcu());
  pass(DirectPath::kSpeechGap - 20ms, false);
  EXPECT_FALSE(path_.sends_mcu());
  pass(40ms, false);
  EXPECT_TRUE(path_.sends_mcu());
  EXPECT_EQ(path_.take_news(), "trouble");
  EXPECT_TRUE(path_.listens_direct());
  pass(DirectPath::kHedge + 40ms, true);  // it was a hiccup
  EXPECT_FALSE(path_.sends_mcu());
  EXPECT_EQ(path_.take_failure(), std::nullopt);
}

TEST_F(DirectPathTest, KeepAlivesAreEnoughInAPause) {
  become_active();
  for (int i = 0; i < 20; ++i) {
    path_.heard(at_, false);
    pass(100ms, false);
    EXPECT_FALSE(path_.sends_mcu()) << i;
  }
}

TEST_F(DirectPathTest, ThreeHundredMillisecondsOfNothingAreTheEnd) {
  become_active();
  pass(DirectPath::kDead, false);
  EXPECT_EQ(path_.take_failure(), "silence");
  EXPECT_EQ(path_.state(), State::fading);
  EXPECT_TRUE(path_.sends_mcu());
  EXPECT_TRUE(path_.sends_direct());  // it may still arrive
  EXPECT_FALSE(path_.listens_direct());
  pass(DirectPath::kFadeBack, false);
  EXPECT_EQ(path_.state(), State::off);
}

TEST_F(DirectPathTest, ThePeersTroubleIsOurs) {
  become_active();
  path_.peer_is(at_, "trouble");
  EXPECT_TRUE(path_.sends_mcu());
  pass(DirectPath::kHedge + 40ms, true);
  EXPECT_FALSE(path_.sends_mcu());
}

TEST_F(DirectPathTest, BothPathsCarrySoundWhenTheServerCallsBack) {
  become_active();
  path_.stop(at_);
  EXPECT_TRUE(path_.sends_mcu());
  EXPECT_TRUE(path_.sends_direct());
  path_.peer_is(at_, "ready");  // too late
  EXPECT_FALSE(path_.listens_direct());
  pass(DirectPath::kFadeBack + 20ms, true);
  EXPECT_FALSE(path_.sends_direct());
  EXPECT_EQ(path_.take_failure(), std::nullopt);
}

}  // namespace
}  // namespace parley::client
