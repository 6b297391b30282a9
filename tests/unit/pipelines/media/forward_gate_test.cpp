#include "pipelines/media/forward_gate.hpp"

#include <gtest/gtest.h>

namespace parley::media {
namespace {

using Serve = ForwardGate::Serve;
constexpr auto kTick = 20ms;
constexpr LegId kAnna{1};
constexpr LegId kBert{2};

ForwardGate::Tick speech(LegId talker) {
  return {.sole = talker, .settled = true, .packet = true, .loud = true, .proven = true};
}

class Gate : public testing::Test {
 protected:
  Serve step(const ForwardGate::Tick& tick, bool audible = true) {
    const Serve serve = gate.step(tick, kTick);
    gate.sent(audible, kTick);
    return serve;
  }
  // Ticks of the same until something else than `serve` comes.
  int lasts(Serve serve, const ForwardGate::Tick& tick, bool audible = true) {
    int ticks = 0;
    while (ticks < 1000 && step(tick, audible) == serve) ++ticks;
    return ticks;
  }
  ForwardGate gate;
};

TEST_F(Gate, EntersAfter300MillisecondsOfTheTalkerAlone) {
  EXPECT_EQ(lasts(Serve::encode, speech(kAnna)), 15);
  EXPECT_TRUE(gate.forwarding());
}

TEST_F(Gate, WaitsForAPacketThatHasBeenTriedOut) {
  auto tick = speech(kAnna);
  tick.proven = false;
  EXPECT_EQ(lasts(Serve::encode, tick), 1000);
  EXPECT_TRUE(gate.considers(kAnna));
  EXPECT_FALSE(gate.considers(kBert));
  EXPECT_EQ(step(speech(kAnna)), Serve::forward);
}

TEST_F(Gate, EntersAtOnceOutOfSilence) {
  for (int i = 0; i < 10; ++i) EXPECT_EQ(step({}, false), Serve::encode);
  EXPECT_EQ(step(speech(kAnna)), Serve::forward);
}

TEST_F(Gate, ShortSilenceIsNotEnough) {
  lasts(Serve::encode, speech(kAnna));
  EXPECT_EQ(step({}), Serve::leave);
  for (int i = 0; i < 9; ++i) step({}, false);
  EXPECT_EQ(step(speech(kBert)), Serve::encode);
}

TEST_F(Gate, NeverFromTalkerToTalker) {
  lasts(Serve::encode, speech(kAnna));
  EXPECT_EQ(step(speech(kBert)), Serve::leave);
  EXPECT_EQ(lasts(Serve::encode, speech(kBert)), 15);
}

TEST_F(Gate, UnsettledTalkersAreEncoded) {
  auto tick = speech(kAnna);
  tick.settled = false;
  for (int i = 0; i < 50; ++i) EXPECT_EQ(step(tick), Serve::encode);
  EXPECT_EQ(step(speech(kAnna)), Serve::forward);
  EXPECT_EQ(step(tick), Serve::leave);
}

TEST_F(Gate, HolesStayHolesButNotForLong) {
  lasts(Serve::encode, speech(kAnna));
  auto lost = speech(kAnna);
  lost.packet = false;
  lost.hole = true;
  EXPECT_EQ(step(lost), Serve::hole);
  EXPECT_EQ(step(lost), Serve::hole);
  EXPECT_EQ(step(speech(kAnna)), Serve::forward);
  EXPECT_EQ(gate.take_holes(), 2);
  EXPECT_EQ(gate.take_holes(), 0);
  for (int i = 0; i < ForwardGate::kMaxHoles; ++i) EXPECT_EQ(step(lost), Serve::hole);
  EXPECT_EQ(step(lost), Serve::leave);
  EXPECT_EQ(gate.take_holes(), ForwardGate::kMaxHoles);
}

TEST_F(Gate, ConcealedTicksAreEncoded) {
  lasts(Serve::encode, speech(kAnna));
  auto concealed = speech(kAnna);
  concealed.packet = false;
  EXPECT_EQ(step(concealed), Serve::leave);
}

TEST_F(Gate, APauseOfTheTalkerIsNoReasonToLeave) {
  lasts(Serve::encode, speech(kAnna));
  auto pause = speech(kAnna);
  pause.packet = pause.loud = false;
  pause.paused = true;
  for (int i = 0; i < 100; ++i) EXPECT_EQ(step(pause, false), Serve::pause);
  EXPECT_EQ(step(speech(kAnna)), Serve::forward);
  for (int i = 0; i < 100; ++i) step(pause, false);
}

TEST_F(Gate, DoesNotEnterWithAnEmptyPacket) {
  auto dtx = speech(kAnna);
  dtx.loud = false;
  EXPECT_EQ(lasts(Serve::encode, dtx, false), 1000);
}

}  // namespace
}  // namespace parley::media
