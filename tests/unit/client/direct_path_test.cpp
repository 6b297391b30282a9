#include "client/direct_path.hpp"

#include <gtest/gtest.h>

namespace parley::client {
namespace {

using State = DirectPath::State;
using Heard = DirectPath::Heard;

class DirectPathTest : public testing::Test {
 protected:
  // Time passes in the steps of the session's timer, with a packet of the peer every 20 ms if `heard`.
  void pass(Duration length, bool heard, Heard what = Heard::sound) {
    for (const TimePoint end = at_ + length; at_ < end;) {
      at_ += 10ms;
      if (heard && (at_ - TimePoint{}) % 20ms == 0ms) {
        path_.heard(at_, what);
        ++received_;
      }
      path_.traffic(at_, received_, lost_);
      path_.on_timer(at_);
    }
  }
  void become_active() {
    path_.start(at_);
    path_.connected(at_);
    path_.heard(at_, Heard::sound);
    EXPECT_EQ(path_.take_news(), "ready");
    path_.peer_is(at_, "ready");
    EXPECT_EQ(path_.take_news(), "active");
    path_.peer_is(at_, "active");
    pass(DirectPath::kProbation + 40ms, true);
  }

  std::uint64_t received_ = 0, lost_ = 0;
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
  path_.heard(at_, Heard::sound);
  EXPECT_EQ(path_.take_news(), "ready");
  EXPECT_FALSE(path_.listens_direct());  // the peer may not hear us
  path_.peer_is(at_, "ready");
  EXPECT_TRUE(path_.listens_direct());
  pass(1s, true);
  EXPECT_TRUE(path_.sends_mcu());  // the peer does not listen yet
  path_.peer_is(at_, "active");
  pass(DirectPath::kProbation - 20ms, true);
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
  pass(DirectPath::kSpeechGap + 10ms, false);
  EXPECT_FALSE(path_.sends_mcu());
  pass(10ms, false);
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
    path_.heard(at_, Heard::pause);
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
  pass(DirectPath::kLossyHedge + 40ms, true);
  EXPECT_FALSE(path_.sends_mcu());
}

TEST_F(DirectPathTest, LongPacketsComeSeldom) {
  become_active();
  path_.packets_last(60ms);
  for (int i = 0; i < 20; ++i) {
    path_.heard(at_, Heard::sound);
    pass(60ms, false);
    EXPECT_FALSE(path_.sends_mcu()) << i;
  }
}

TEST_F(DirectPathTest, KeepAlivesInSpeechHideNoGap) {
  become_active();
  for (int i = 0; i < 2; ++i) {
    path_.heard(at_, Heard::keep_alive);
    pass(20ms, false);
    EXPECT_FALSE(path_.sends_mcu());
  }
  path_.heard(at_, Heard::keep_alive);
  pass(10ms, false);
  EXPECT_TRUE(path_.sends_mcu());
}

TEST_F(DirectPathTest, OnALossyPathTheServersGoesAlong) {
  become_active();
  ++lost_;
  pass(DirectPath::kLossPair + 20ms, true);
  EXPECT_FALSE(path_.sends_mcu());  // one is none
  ++lost_;
  pass(20ms, true);
  EXPECT_FALSE(path_.sends_mcu());
  int told = 0;
  for (int i = 0; i < 40; ++i) {
    ++lost_;
    pass(400ms, true);
    EXPECT_TRUE(path_.sends_mcu());
    told += path_.take_news() == "trouble" ? 1 : 0;
  }
  EXPECT_GE(told, 10);
  EXPECT_LE(told, 17);  // at most once a second
  EXPECT_EQ(path_.take_failure(), std::nullopt);
  pass(DirectPath::kLossyHedge + 20ms, true);
  EXPECT_FALSE(path_.sends_mcu());
}

TEST_F(DirectPathTest, APathThatLosesTooMuchIsLeft) {
  become_active();
  for (int i = 0; i < 100 && path_.state() == State::active; ++i) {
    ++lost_;
    pass(80ms, true);
  }
  EXPECT_EQ(path_.take_failure(), "loss");
}

TEST_F(DirectPathTest, APathThatLosesAThirdIsLeftWithinASecondOrTwo) {
  become_active();
  const TimePoint begin = at_;
  while (path_.state() == State::active && at_ - begin < 5s) {
    lost_ += (at_ - begin) % 60ms == 0ms ? 1 : 0;
    pass(20ms, (at_ - begin) % 60ms != 0ms);
  }
  EXPECT_EQ(path_.take_failure(), "loss");
  EXPECT_LE(at_ - begin, 2s);
}

TEST_F(DirectPathTest, ConsentThatIsLostSendsTheCallBackWhileBothPathsStillCarryIt) {
  become_active();
  const TimePoint last = at_;
  while (at_ - last < DirectPath::kNoConsent - 20ms) {
    pass(20ms, true);
    path_.consented(at_, last);
  }
  EXPECT_TRUE(path_.listens_direct());
  pass(40ms, true);
  path_.consented(at_, last);
  EXPECT_EQ(path_.take_failure(), "consent");
  EXPECT_EQ(path_.state(), State::fading);
  EXPECT_TRUE(path_.sends_direct());
  EXPECT_TRUE(path_.sends_mcu());
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
