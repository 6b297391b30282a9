#include "tests/listen/keyed_tones.hpp"

#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "tests/support/speech.hpp"

namespace parley::listen {
namespace {

constexpr std::size_t kMs = 48;
constexpr double kHz = 500;

KeyedTone judge(std::span<const float> pcm) {
  return find_keyed_tones(pcm, std::array{kHz}).front();
}

// Wherever one starts to listen, in a pause or in the middle of a sound, right is right.
TEST(KeyedTones, AStartInTheMiddleOfASoundIsNoJump) {
  const auto pcm = test::keyed_tone(10, kHz);
  for (std::size_t ms = 0; ms < 500; ms += 25) {
    std::vector<float> heard(2'400, 0.0F);  // as a decoder that is filled first
    heard.insert(heard.end(), pcm.begin() + static_cast<std::ptrdiff_t>(ms * kMs), pcm.end());
    const auto tone = judge(heard);
    EXPECT_GE(tone.beats, 18U) << ms;
    EXPECT_LT(tone.worst_gap_ms, 10) << ms;
    EXPECT_LT(tone.clock_error_ms, 10) << ms;
  }
}

TEST(KeyedTones, WhatIsMissingOrTooMuchIsFoundWhereItIs) {
  struct Row {
    std::size_t at_ms, lost_ms, added_ms;
    double off;
  };
  for (const auto& row : {Row{5'200, 150, 0, 150}, Row{5'400, 0, 150, 150}, Row{5'200, 60, 0, 60}}) {
    auto heard = test::keyed_tone(10, kHz);
    const auto at = heard.begin() + static_cast<std::ptrdiff_t>(row.at_ms * kMs);
    if (row.added_ms > 0)
      heard.insert(at, row.added_ms * kMs, 0.0F);
    else
      heard.erase(at, at + static_cast<std::ptrdiff_t>(row.lost_ms * kMs));
    const auto tone = judge(heard);
    EXPECT_NEAR(tone.worst_gap_ms, row.off, 10);
    EXPECT_NEAR(tone.clock_error_ms, row.off, 10);
    EXPECT_NEAR(tone.worst_at_s, 5.5, 0.2);
  }
}

}  // namespace
}  // namespace parley::listen
