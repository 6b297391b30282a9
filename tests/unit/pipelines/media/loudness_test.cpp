// The meter against values of the standard, and the slow gain on top of it.
#include "pipelines/media/loudness.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <functional>
#include <limits>
#include <numbers>
#include <random>
#include <vector>

#include "tests/support/measure.hpp"

namespace parley::media {
namespace {

constexpr std::size_t kTick = 960;
constexpr double kTickSeconds = 0.02;

double decibels(double db) {
  return std::pow(10.0, db / 20.0);
}

using Wave = std::function<double(double seconds)>;

Wave sine(double hertz, double peak_dbfs) {
  return [=](double t) { return decibels(peak_dbfs) * std::sin(2.0 * std::numbers::pi * hertz * t); };
}

std::vector<float> tick_of(const Wave& wave, std::size_t index, double gain_db = 0.0,
                           std::size_t size = kTick) {
  std::vector<float> samples(size);
  for (std::size_t i = 0; i < size; ++i) {
    samples[i] =
        static_cast<float>(wave(static_cast<double>(index * size + i) / 48'000.0) * decibels(gain_db));
  }
  return samples;
}

double loudness_of(const Wave& wave, double seconds, std::size_t tick = kTick) {
  LoudnessMeter meter;
  const auto ticks = static_cast<std::size_t>(seconds * 48'000.0 / static_cast<double>(tick));
  for (std::size_t i = 0; i < ticks; ++i) meter.add(tick_of(wave, i, 0.0, tick));
  return meter.short_term_lufs();
}

// The gain of the K weighting at a frequency, from the transfer functions of BS.1770-4 annex 1.
double k_weight_db(double hertz) {
  const std::complex<double> z = std::polar(1.0, -2.0 * std::numbers::pi * hertz / 48'000.0);
  const auto section = [z](double b0, double b1, double b2, double a1, double a2) {
    return std::abs((b0 + b1 * z + b2 * z * z) / (1.0 + a1 * z + a2 * z * z));
  };
  return 20.0 * std::log10(section(1.53512485958697, -2.69169618940638, 1.19839281085285, -1.69065929318241,
                                   0.73248077421585) *
                           section(1.0, -2.0, 1.0, -1.99004745483398, 0.99007225036621));
}

TEST(LoudnessMeter, SineOf997HzAtFullScaleIsMinus301) {
  // BS.1770-4 annex 1: "a 0 dB FS, 1 kHz (997 Hz to be exact) sine wave applied to [one] input: -3.01 LKFS".
  EXPECT_NEAR(loudness_of(sine(997.0, 0.0), 5.0), -3.01, 0.02);
  EXPECT_NEAR(loudness_of(sine(1'000.0, -20.0), 5.0), -23.0, 0.05);
  EXPECT_NEAR(loudness_of(sine(1'000.0, -33.0), 5.0), -36.0, 0.05);
}

TEST(LoudnessMeter, FollowsTheKWeighting) {
  EXPECT_NEAR(k_weight_db(997.0), 0.69, 0.01);
  EXPECT_NEAR(k_weight_db(10'000.0), 4.0, 0.05);
  for (const double hertz : {30.0, 60.0, 100.0, 200.0, 500.0, 2'000.0, 4'000.0, 12'000.0}) {
    EXPECT_NEAR(loudness_of(sine(hertz, -20.0), 5.0), -20.0 - 3.01 - 0.691 + k_weight_db(hertz), 0.1)
        << hertz;
  }
}

TEST(LoudnessMeter, LooksBackThreeSeconds) {
  LoudnessMeter meter;
  std::size_t at = 0;
  const auto run = [&](double seconds, double dbfs) {
    for (double t = 0.0; t < seconds - 1e-9; t += kTickSeconds) meter.add(tick_of(sine(1'000.0, dbfs), at++));
  };
  run(3.0, -20.0);
  run(1.5, -40.0);
  EXPECT_NEAR(meter.short_term_lufs(), -23.0 - 2.97, 0.1);  // half of the energy, and a little
  run(1.5, -40.0);
  EXPECT_NEAR(meter.short_term_lufs(), -43.0, 0.1);
  EXPECT_NEAR(meter.seconds_measured(), 6.0, 0.11);
}

TEST(LoudnessMeter, SilenceDoesNotCount) {
  LoudnessMeter meter;
  EXPECT_EQ(meter.short_term_lufs(), -70.0);
  for (std::size_t i = 0; i < 100; ++i) meter.add(std::vector<float>(kTick, 0.0F));
  for (std::size_t i = 0; i < 100; ++i) meter.add(tick_of(sine(1'000.0, -49.0), i));  // -52 LUFS
  EXPECT_EQ(meter.short_term_lufs(), -70.0);
  EXPECT_EQ(meter.seconds_measured(), 0.0);
  for (std::size_t i = 0; i < 50; ++i) meter.add(tick_of(sine(1'000.0, -20.0), i));
  for (std::size_t i = 0; i < 500; ++i) meter.add(std::vector<float>(kTick, 0.0F));
  EXPECT_NEAR(meter.short_term_lufs(), -23.0, 0.2);
}

TEST(LoudnessMeter, TheTickLengthDoesNotMatter) {
  const Wave wave = sine(440.0, -17.0);
  EXPECT_NEAR(loudness_of(wave, 4.0, 480), loudness_of(wave, 4.0, 960), 1e-9);
  EXPECT_NEAR(loudness_of(wave, 4.0, 763), loudness_of(wave, 4.0, 960), 0.01);
}

TEST(LoudnessMeter, TakesAGainAlreadyAppliedOff) {
  LoudnessMeter meter;
  for (std::size_t i = 0; i < 200; ++i) meter.add(tick_of(sine(1'000.0, -30.0), i, 9.0), 9.0F);
  EXPECT_NEAR(meter.short_term_lufs(), -33.0, 0.05);
}

TEST(LoudnessMeter, ForgetsRubbish) {
  const float inf = std::numeric_limits<float>::infinity();
  const float nan = std::numeric_limits<float>::quiet_NaN();
  LoudnessMeter meter;
  std::size_t at = 0;
  for (const float rubbish : {nan, inf, -inf, std::numeric_limits<float>::max(), 1e-42F}) {
    meter.add(std::vector<float>(kTick, rubbish));
  }
  for (; at < 160; ++at) meter.add(tick_of(sine(1'000.0, -20.0), at));
  EXPECT_NEAR(meter.short_term_lufs(), -23.0, 0.05);
}

// Speech as a level control sees it: syllables of 150 to 250 ms at 4 a second that swing by some dB, a pause
// between phrases, and a level to be told by its loudness.
class Speech {
 public:
  explicit Speech(double dbfs, std::uint32_t seed = 1) : random_(seed), gain_(decibels(dbfs)) {}
  bool audible() const { return phrase_ > 0.0; }
  std::vector<float> tick() {
    std::vector<float> samples(kTick);
    for (float& sample : samples) sample = static_cast<float>(next());
    return samples;
  }

 private:
  double next() {
    t_ += 1.0 / 48'000.0;
    phrase_ -= 1.0 / 48'000.0;
    if (phrase_ < -0.4) phrase_ = 1.5 + static_cast<double>(random_() % 1'000) / 500.0;
    syllable_ -= 1.0 / 48'000.0;
    if (syllable_ < 0.0) {
      syllable_ = 0.15 + static_cast<double>(random_() % 100) / 1'000.0;
      accent_ = decibels(static_cast<double>(random_() % 9) - 4.0);
    }
    if (!audible()) return 0.0;
    const double envelope = std::sin(std::numbers::pi * std::min(1.0, syllable_ / 0.2));
    return gain_ * accent_ * envelope * 2.0 * std::sin(2.0 * std::numbers::pi * 220.0 * t_);
  }

  std::mt19937 random_;
  double gain_;
  double t_ = 0.0;
  double phrase_ = 2.0;
  double syllable_ = 0.2;
  double accent_ = 1.0;
};

struct Levelled {
  LoudnessMeter before;
  LoudnessMeter after;
  AutoLevel level;
  void tick(const std::vector<float>& samples, bool audible) {
    if (audible) before.add(samples);
    const double gain = decibels(level.step(before, kTickSeconds, audible));
    std::vector<float> out(samples);
    for (float& sample : out) sample = static_cast<float>(sample * gain);
    if (audible) after.add(out);
  }
};

TEST(AutoLevel, BringsInputsBetweenMinus40AndMinus10WithinThreeLuAfterEightSeconds) {
  double furthest = 0;
  for (double dbfs = -40.0; dbfs <= -10.0; dbfs += 2.5) {
    Levelled tone;
    for (std::size_t i = 0; i < 400 + 150; ++i) tone.tick(tick_of(sine(1'000.0, dbfs), i), true);
    EXPECT_NEAR(tone.after.short_term_lufs(), -20.0, 3.01) << "sine of " << dbfs << " dBFS";

    Levelled speech;
    Speech voice(dbfs);
    for (int i = 0; i < 400; ++i) {
      const bool audible = voice.audible();
      speech.tick(voice.tick(), audible);
    }
    // What is heard from the eighth second on.
    LoudnessMeter after;
    for (int i = 0; i < 150; ++i) {
      const double gain = decibels(speech.level.gain_db());
      const bool audible = voice.audible();
      std::vector<float> samples = voice.tick();
      for (float& sample : samples) sample = static_cast<float>(sample * gain);
      if (audible) after.add(samples);
    }
    EXPECT_NEAR(after.short_term_lufs(), -20.0, 3.01) << "speech around " << dbfs << " dBFS";
    for (const LoudnessMeter* heard : {&tone.after, &after})
      furthest = std::max(furthest, std::abs(heard->short_term_lufs() + 20.0));
  }
  test::report("loudness of inputs between -40 and -10 dBFS after 8 s, furthest from -20 LUFS", furthest,
               "LU", test::Bound::at_most(3));
}

TEST(AutoLevel, InsideTheDeadBandTheGainIsExactlyOne) {
  for (const double lufs : {-22.8, -21.0, -20.0, -18.0, -17.2}) {
    Levelled tone;
    for (std::size_t i = 0; i < 1'000; ++i) {
      tone.tick(tick_of(sine(1'000.0, lufs + 3.01), i), true);
      ASSERT_EQ(tone.level.gain_db(), 0.0F) << lufs;
    }
  }
}

TEST(AutoLevel, NeverMovesInSilence) {
  Levelled speech;
  Speech voice(-35.0);
  float last = 0.0F;
  float moved = 0.0F;
  for (int i = 0; i < 1'000; ++i) {
    const bool audible = voice.audible();
    speech.tick(voice.tick(), audible);
    if (!audible) moved = std::max(moved, std::abs(speech.level.gain_db() - last));
    last = speech.level.gain_db();
  }
  EXPECT_GT(last, 5.0F);
  for (int i = 0; i < 3'000; ++i) {
    speech.level.step(speech.before, kTickSeconds, false);
    moved = std::max(moved, std::abs(speech.level.gain_db() - last));
  }
  EXPECT_EQ(moved, 0.0F);
  test::report("gain of auto level in silence, moved by", static_cast<double>(moved), "dB",
               test::Bound::at_most(0));
}

TEST(AutoLevel, MovesNoFasterThanItMayAndNoFurther) {
  for (const double dbfs : {-45.0, 0.0}) {
    Levelled tone;
    float last = 0.0F;
    for (std::size_t i = 0; i < 1'000; ++i) {
      tone.tick(tick_of(sine(1'000.0, dbfs), i), true);
      ASSERT_LE(std::abs(tone.level.gain_db() - last), 4.0F * 0.02F + 1e-4F);
      last = tone.level.gain_db();
    }
    EXPECT_NEAR(last, dbfs < -20.0 ? 24.0F : -17.0F, 0.1F);
  }
}

TEST(AutoLevel, ReturnsToExactlyOneWhenTheTalkerGetsItRight) {
  Levelled tone;
  std::size_t at = 0;
  for (; at < 500; ++at) tone.tick(tick_of(sine(1'000.0, -30.0), at), true);
  EXPECT_NEAR(tone.level.gain_db(), 13.0F, 0.5F);
  for (; at < 1'200; ++at) tone.tick(tick_of(sine(1'000.0, -17.5), at), true);
  EXPECT_EQ(tone.level.gain_db(), 0.0F);
}

TEST(AutoLevel, StandsStillWhileSpeechSwings) {
  Levelled speech;
  Speech voice(-30.0);
  float last = 0.0F;
  int moves = 0;
  for (int i = 0; i < 3'000; ++i) {
    const bool audible = voice.audible();
    speech.tick(voice.tick(), audible);
    if (i > 600 && speech.level.gain_db() != last) ++moves;
    last = speech.level.gain_db();
  }
  EXPECT_LE(moves, 2'400 / 10);
}

TEST(AutoLevel, AClientThatAppliesWhatItIsToldIsMeasuredWithoutIt) {
  // The closed loop of mix.auto_level `client`: the advice takes effect 300 ms later.
  LoudnessMeter meter;
  AutoLevel level;
  std::vector<float> advice;
  for (std::size_t i = 0; i < 1'000; ++i) {
    const float applied = i < 15 ? 0.0F : advice[i - 15];
    meter.add(tick_of(sine(1'000.0, -35.0), i, applied), applied);
    advice.push_back(level.step(meter, kTickSeconds, true));
  }
  EXPECT_NEAR(level.gain_db(), 18.0F, 0.5F);
}

}  // namespace
}  // namespace parley::media
