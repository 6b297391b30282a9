#include "transport/base/mos.hpp"

#include <gtest/gtest.h>

#include <initializer_list>

#include "transport/base/path_quality.hpp"

namespace parley {
namespace {

TEST(Mos, FollowsTableB1OfG107) {
  struct Row {
    double r, mos;
  };
  for (const auto& [r, mos] : std::initializer_list<Row>{
           Row{93.2, 4.41}, {90, 4.34}, {80, 4.03}, {70, 3.60}, {60, 3.10}, {50, 2.58}})
    EXPECT_NEAR(mos_of_rating(r), mos, 0.01) << r;
  EXPECT_EQ(mos_of_rating(-3), 1);
  EXPECT_EQ(mos_of_rating(3), 1) << "the polynomial dips below 1 there";
  EXPECT_EQ(mos_of_rating(120), 4.5);
}

// Idd worked out by hand from section 7.4: x = log2(delay / 100).
TEST(Mos, DelayCostsNothingUpTo100Ms) {
  struct Row {
    double delay_ms, idd;
  };
  for (const auto& [delay, idd] :
       std::initializer_list<Row>{Row{0, 0}, {100, 0}, {150, 0.16}, {200, 3.04}, {300, 14.76}, {400, 24.07}})
    EXPECT_NEAR(93.2 - rating_factor({Codec::pcmu, delay, 0}), idd, 0.01) << delay;
}

// Ie,eff = 95 Ppl / (Ppl + Bpl) with the Bpl of G.113 appendix I for G.711 with concealment, 25.1, and that
// of Opus, 16.
TEST(Mos, LossCostsByTheCodecsRobustness) {
  struct Row {
    Codec codec;
    double loss, ie_eff, mos;
  };
  const Row rows[] = {{Codec::pcmu, 0.01, 3.64, 4.33},  {Codec::pcma, 0.05, 15.78, 3.92},
                      {Codec::pcma, 0.10, 27.07, 3.41}, {Codec::opus, 0.01, 5.59, 4.28},
                      {Codec::opus, 0.03, 15.00, 3.95}, {Codec::opus, 0.05, 22.62, 3.62},
                      {Codec::opus, 0.10, 36.54, 2.93}, {Codec::opus, 0.20, 52.78, 2.08}};
  for (const auto& [codec, loss, ie_eff, mos] : rows) {
    EXPECT_NEAR(93.2 - rating_factor({codec, 0, loss}), ie_eff, 0.01) << loss;
    EXPECT_NEAR(mean_opinion_score({codec, 0, loss}), mos, 0.01) << loss;
  }
}

TEST(Mos, StaysOnItsScale) {
  double last = 5;
  for (const double loss : {0.0, 0.01, 0.03, 0.1, 0.3, 1.0}) {
    const double mos = mean_opinion_score({Codec::opus, 50, loss});
    EXPECT_LT(mos, last);
    EXPECT_GE(mos, 1);
    last = mos;
  }
  EXPECT_EQ(mean_opinion_score({Codec::opus, 1e9, 7}), 1);
  EXPECT_LE(mean_opinion_score({Codec::opus, -5, -1}), 4.5);
}

TEST(PathQuality, LossIsJudgedOnlyWhereSomebodyTalked) {
  struct Row {
    std::uint64_t received;
    std::int64_t lost;
    double loss;
  };
  for (const auto& [received, lost, loss] : std::initializer_list<Row>{
           Row{200, 0, 0}, {180, 20, 0.1}, {0, 0, -1}, {12, 1, -1}, {0, 250, 1}, {200, -3, 0}})
    EXPECT_DOUBLE_EQ(interval_loss(received, lost), loss) << received << " " << lost;
}

TEST(PathQuality, WhatFecRebuiltIsNotLost) {
  DirectionQuality lossy, repaired, silent;
  lossy.loss = repaired.loss = 0.1;
  repaired.recovered = 0.08;
  judge(lossy, Codec::opus, 20);
  judge(repaired, Codec::opus, 20);
  judge(silent, Codec::opus, 20);
  EXPECT_NEAR(lossy.mos, 2.93, 0.02);
  EXPECT_NEAR(repaired.mos, 4.12, 0.02);
  EXPECT_EQ(silent.mos, -1);
}

TEST(PathQuality, DelayIsHalfTheRoundTripAndTheBuffer) {
  DirectionQuality known, guessed;
  known.loss = guessed.loss = 0;
  known.delay_ms = 160;
  guessed.jitter_ms = 80;  // so about 160 ms of buffer
  judge(known, Codec::opus, 200);
  judge(guessed, Codec::opus, 200);
  EXPECT_EQ(known.mos, guessed.mos);
  EXPECT_NEAR(known.mos, mean_opinion_score({Codec::opus, 286.5, 0}), 1e-9);
}

}  // namespace
}  // namespace parley
