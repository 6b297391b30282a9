// The limiter: transparent below its ceiling, never above it, one curve for all buses, no clicks.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <memory>
#include <numbers>
#include <random>
#include <string>
#include <vector>

#include "pipelines/media/mix_bus.hpp"
#include "tests/support/measure.hpp"

namespace parley::media {
namespace {

constexpr float kCeiling = 0.89F;
constexpr double kFullScale = 1 << 24;
constexpr std::size_t kDelay = Limiter::kLookAhead;

using Signal = std::vector<Q24Sum>;
using Wave = std::function<double(std::size_t)>;

Signal make(std::size_t count, const Wave& wave) {
  Signal signal(count);
  for (std::size_t i = 0; i < count; ++i) signal[i] = std::llround(wave(i) * kFullScale);
  return signal;
}

Wave tone(double hertz, double amplitude) {
  return [=](std::size_t i) {
    return amplitude * std::sin(2.0 * std::numbers::pi * hertz * static_cast<double>(i) / 48'000.0);
  };
}

// Runs whole signals through one limiter, tick by tick, as a room's mixer does.
struct Limited {
  std::vector<std::vector<float>> out;
  std::vector<float> lowest;
  bool idle_throughout = true;
  bool idle_at_end = true;
};

Limited limit(const std::vector<Signal>& buses, std::size_t tick) {
  Limiter limiter(tick, kCeiling);
  Limited run;
  run.out.resize(buses.size());
  std::vector<Signal> tails(buses.size(), Signal(kDelay, 0));
  std::vector<float> out(tick);
  for (std::size_t at = 0; at + tick <= buses[0].size(); at += tick) {
    const auto part = [&](const Signal& bus) { return std::span<const Q24Sum>(bus).subspan(at, tick); };
    limiter.begin();
    for (const Signal& bus : buses) limiter.measure(part(bus));
    limiter.finish();
    for (std::size_t b = 0; b < buses.size(); ++b) {
      limiter.apply(part(buses[b]), tails[b], out);
      run.out[b].insert(run.out[b].end(), out.begin(), out.end());
    }
    run.lowest.push_back(limiter.lowest_gain());
    run.idle_at_end = limiter.idle();
    run.idle_throughout &= limiter.idle();
  }
  return run;
}

class LimiterTick : public testing::TestWithParam<std::size_t> {};
INSTANTIATE_TEST_SUITE_P(TenAndTwentyMs, LimiterTick, testing::Values(480, 960),
                         [](const auto& param_info) { return std::to_string(param_info.param) + "Samples"; });

TEST_P(LimiterTick, BelowTheCeilingOnlyDelaysAndChangesNoBit) {
  std::mt19937 random(3);
  const auto top = static_cast<Q24Sum>(static_cast<double>(kCeiling) * kFullScale);
  std::uniform_int_distribution<Q24Sum> any(-top, top);
  Signal bus(48'000);
  for (Q24Sum& sample : bus) sample = any(random);
  bus[1'000] = top;
  bus[2'000] = -top;

  const Limited run = limit({bus}, GetParam());
  EXPECT_TRUE(run.idle_throughout);
  for (std::size_t i = 0; i < kDelay; ++i) ASSERT_EQ(run.out[0][i], 0.0F);
  for (std::size_t i = kDelay; i < run.out[0].size(); ++i) {
    ASSERT_EQ(run.out[0][i], static_cast<float>(bus[i - kDelay]) * 0x1p-24F) << i;
  }
}

TEST_P(LimiterTick, EightTalkersAtFullScaleNeverPassTheCeilingInAnyBus) {
  const std::vector<std::pair<const char*, std::function<Wave(int)>>> kinds = {
      {"equal square waves",
       [](int) -> Wave { return [](std::size_t i) { return i / 60 % 2 == 0 ? 1.0 : -1.0; }; }},
      {"tones", [](int talker) { return tone(110.0 * (talker + 1), 1.0); }},
      {"keyed tones",
       [](int talker) -> Wave {
         return [=, wave = tone(310.0 + 100.0 * talker, 1.0)](std::size_t i) {
           return (i / 4'800 + static_cast<std::size_t>(talker)) % 3 == 0 ? wave(i) : 0.0;
         };
       }},
      {"noise",
       [](int talker) -> Wave {
         auto random = std::make_shared<std::mt19937>(talker);
         return [random](std::size_t) { return std::uniform_real_distribution<double>(-1.0, 1.0)(*random); };
       }},
      {"single full-scale samples",
       [](int talker) -> Wave {
         return [=](std::size_t i) {
           return i % (3'000 + 7 * static_cast<std::size_t>(talker)) == 0 ? -1.0 : 0.0;
         };
       }},
  };
  float highest = 0;
  for (const auto& [name, wave] : kinds) {
    std::vector<Signal> buses(1, Signal(48'000, 0));
    std::vector<Signal> talkers;
    for (int t = 0; t < 8; ++t) {
      talkers.push_back(make(48'000, wave(t)));
      for (std::size_t i = 0; i < 48'000; ++i) buses[0][i] += talkers.back()[i];
    }
    for (const Signal& talker : talkers) {  // the eight N-1 buses
      buses.push_back(buses[0]);
      for (std::size_t i = 0; i < 48'000; ++i) buses.back()[i] -= talker[i];
    }
    const Limited run = limit(buses, GetParam());
    for (std::size_t b = 0; b < buses.size(); ++b) {
      for (std::size_t i = kDelay; i < run.out[b].size(); ++i) {
        ASSERT_LE(std::abs(run.out[b][i]), kCeiling) << name << ", bus " << b << ", sample " << i;
        // No wrap: whatever comes out has the sign of what went in.
        ASSERT_GE(run.out[b][i] * static_cast<float>(buses[b][i - kDelay]), 0.0F)
            << name << ", bus " << b << " " << i;
        highest = std::max(highest, std::abs(run.out[b][i]));
      }
    }
  }
  test::report("8 talkers at full scale, tick of " + std::to_string(GetParam() / 48) + " ms, highest sample",
               static_cast<double>(highest), "of full scale", test::Bound::at_most(1), {}, 3);
}

// Without the clamp at the end: the curve itself keeps to the ceiling, to the rounding of a float.
TEST_P(LimiterTick, TheCurveAloneKeepsBurstsBelowTheCeiling) {
  std::mt19937 random(11);
  Signal loud(96'000, 0);
  for (int burst = 0; burst < 200; ++burst) {
    const std::size_t start = random() % loud.size();
    const std::size_t length = 1 + random() % 400;
    const double amplitude = std::pow(10.0, static_cast<double>(random() % 40) / 20.0);
    for (std::size_t i = start; i < std::min(start + length, loud.size()); ++i) {
      loud[i] = std::llround((random() % 2 == 0 ? amplitude : -amplitude) * kFullScale);
    }
  }
  // A constant bus far below the ceiling shows the curve.
  const Signal ruler(loud.size(), 1 << 14);
  const Limited run = limit({loud, ruler}, GetParam());
  for (std::size_t i = kDelay; i < loud.size(); ++i) {
    const double gain = static_cast<double>(run.out[1][i]) / 0x1p-10;
    const double leaving = std::abs(static_cast<double>(loud[i - kDelay])) / kFullScale * gain;
    ASSERT_LE(leaving, kCeiling * (1.0 + 1e-6)) << i;
  }
}

TEST_P(LimiterTick, TheCurveMovesSmoothlyAlsoFromTickToTickAndComesToRestAtExactlyOne) {
  const std::size_t count = 48'000 * 3;
  const Signal burst =
      make(count, [](std::size_t i) { return i > 10'000 && i < 20'000 ? 8.0 * (i % 2 == 0 ? 1 : -1) : 0.0; });
  const Signal ruler(count, 1 << 20);
  const Limited run = limit({burst, ruler}, GetParam());

  std::vector<double> gain;
  for (std::size_t i = kDelay; i < count; ++i) gain.push_back(static_cast<double>(run.out[1][i]) * 16.0);
  double steepest = 0.0;
  for (std::size_t i = 1; i < gain.size(); ++i)
    steepest = std::max(steepest, std::abs(gain[i] - gain[i - 1]));
  // From 1 to 0.11 within the look-ahead, no faster: 0.89 / 121 a sample.
  EXPECT_LE(steepest, 0.89 / (kDelay + 1.0) * 1.001);
  EXPECT_NEAR(*std::min_element(gain.begin(), gain.end()), 0.89 / 8.0, 1e-4);
  EXPECT_EQ(gain[9'000], 1.0);
  EXPECT_EQ(gain.back(), 1.0);
  EXPECT_TRUE(run.idle_at_end);
  EXPECT_FALSE(run.idle_throughout);

  // Release: about 80 ms to 63 % of the way, after the hold of 10 ms.
  const std::size_t end = 20'000 + 480;
  const double at_80_ms = gain[end + 3'840];
  EXPECT_NEAR((at_80_ms - gain[end - 100]) / (1.0 - gain[end - 100]), 0.63, 0.05);
}

TEST(Limiter, TheTickLengthChangesNothing) {
  std::mt19937 random(5);
  Signal bus(48'000);
  double level = 1.0;
  for (std::size_t i = 0; i < bus.size(); ++i) {
    if (i % 1'777 == 0) level = std::pow(10.0, static_cast<double>(random() % 30) / 20.0 - 1.0);
    bus[i] = std::llround(std::uniform_real_distribution<double>(-level, level)(random) * kFullScale);
  }
  EXPECT_EQ(limit({bus}, 480).out, limit({bus}, 960).out);
  EXPECT_EQ(limit({bus}, 120).out, limit({bus}, 960).out);
}

TEST(Limiter, OneCurveForAllBusesSoThatNobodyPumpsDifferently) {
  const Signal loud = make(48'000, tone(440.0, 4.0));
  Signal quiet = make(48'000, tone(1'000.0, 0.1));
  const Limited run = limit({loud, quiet}, 960);
  const float lowest = *std::min_element(run.lowest.begin(), run.lowest.end());
  EXPECT_NEAR(lowest, 0.89F / 4.0F, 1e-3F);
  // While the tone stands, the quiet bus is exactly 0.2225 of itself.
  for (std::size_t i = 24'000; i < 48'000; ++i) {
    ASSERT_NEAR(run.out[1][i], static_cast<float>(quiet[i - kDelay]) * 0x1p-24F * 0.89F / 4.0F, 2e-4F) << i;
  }
}

// Everything that is not the tone, over the tone.
double thd_n(std::span<const float> samples, double hertz) {
  double ss = 0, sc = 0, cc = 0, ys = 0, yc = 0, yy = 0;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const double phase = 2.0 * std::numbers::pi * hertz * static_cast<double>(i) / 48'000.0;
    const double s = std::sin(phase), c = std::cos(phase), y = samples[i];
    ss += s * s, sc += s * c, cc += c * c, ys += y * s, yc += y * c, yy += y * y;
  }
  const double det = ss * cc - sc * sc;
  const double a = (ys * cc - yc * sc) / det;
  const double b = (yc * ss - ys * sc) / det;
  const double tone_energy = a * ys + b * yc;
  return std::sqrt(std::max(0.0, yy - tone_energy) / tone_energy);
}

TEST(Limiter, ToneStaysAToneAtOrAboveTheCeiling) {
  double worst = 0;
  const double minus_one_dbfs = std::pow(10.0, -1.0 / 20.0);
  for (const double hertz : {60.0, 100.0, 440.0, 997.0, 3'150.0, 7'919.0}) {
    for (const double amplitude : {minus_one_dbfs, 1.0, 2.0, 8.0}) {
      const Limited run = limit({make(96'000, tone(hertz, amplitude))}, 960);
      const std::span<const float> settled = std::span(run.out[0]).subspan(48'000);
      EXPECT_LE(thd_n(settled, hertz), 0.001) << hertz << " Hz, amplitude " << amplitude;
      // Also with the moments in which the limiter catches it, after the first 5 ms.
      const std::span<const float> from_start = std::span(run.out[0]).subspan(240 + kDelay);
      if (amplitude < 1.0) {
        const double distortion = thd_n(from_start, hertz);
        EXPECT_LE(distortion, 0.01) << hertz << " Hz";
        worst = std::max(worst, distortion);
      }
    }
  }
  test::report("lone tone at -1 dBFS under the limiter, THD+N", 100 * worst, "%", test::Bound::at_most(1), {},
               2);
}

TEST(Limiter, FarBeyondAnyLevelItStillHolds) {
  std::vector<Q24> rubbish(960);
  to_q24(std::vector<float>(960, -1e30F), 1.0F, 1.0F, rubbish);
  Signal bus(960, 0);
  for (int i = 0; i < 1'000; ++i) add(bus, rubbish);
  Limiter limiter(960, kCeiling);
  Signal tail(kDelay, 0);
  std::vector<float> out(960);
  for (int tick = 0; tick < 3; ++tick) {
    limiter.begin();
    limiter.measure(bus);
    limiter.finish();
    limiter.apply(bus, tail, out);
    for (const float sample : out) {
      ASSERT_TRUE(std::isfinite(sample));
      ASSERT_LE(std::abs(sample), kCeiling);
    }
  }
  EXPECT_GT(limiter.lowest_gain(), 0.0F);
}

TEST(Limiter, ABusThatStartsWithATailGoesOnWithoutAStep) {
  // A listener leaves the shared mix for its own bus: the tail of the total less the talker's tail is its
  // past.
  const Signal total = make(1'920, tone(500.0, 0.4));
  const auto tick = [&](std::size_t n) { return std::span<const Q24Sum>(total).subspan(n * 960, 960); };
  Limiter limiter(960, kCeiling);
  Signal shared(kDelay, 0);
  std::vector<float> first(960);
  std::vector<float> second(960);
  limiter.begin();
  limiter.measure(tick(0));
  limiter.finish();
  limiter.apply(tick(0), shared, first);
  Signal own = shared;
  limiter.begin();
  limiter.measure(tick(1));
  limiter.finish();
  limiter.apply(tick(1), own, second);
  const double largest_step = 0.4 * 2.0 * std::numbers::pi * 500.0 / 48'000.0 * 1.01;
  EXPECT_LE(std::abs(second[0] - first[959]), largest_step);
}

}  // namespace
}  // namespace parley::media
