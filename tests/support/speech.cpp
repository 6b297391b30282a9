#include "tests/support/speech.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace parley::test {
namespace {

constexpr double kRate = 48'000;
constexpr double kTwoPi = 2 * std::numbers::pi;

double from_db(double db) {
  return std::pow(10.0, db / 20);
}

// A two-pole resonator (one formant), unit gain at its frequency.
class Resonator {
 public:
  void tune(double hz, double bandwidth) {
    const double radius = std::exp(-std::numbers::pi * bandwidth / kRate);
    a1_ = 2 * radius * std::cos(kTwoPi * hz / kRate);
    a2_ = -radius * radius;
    gain_ = (1 - radius) * std::sqrt(1 - 2 * radius * std::cos(2 * kTwoPi * hz / kRate) + radius * radius);
  }
  double step(double in) {
    const double out = gain_ * in + a1_ * y1_ + a2_ * y2_;
    y2_ = y1_;
    y1_ = out;
    return out;
  }

 private:
  double a1_ = 0, a2_ = 0, gain_ = 0, y1_ = 0, y2_ = 0;
};

using Formants = std::array<double, 4>;
constexpr std::array<Formants, 6> kVowels = {{{730, 1090, 2440, 3500},
                                              {530, 1840, 2480, 3600},
                                              {270, 2290, 3010, 3700},
                                              {570, 840, 2410, 3400},
                                              {300, 870, 2240, 3300},
                                              {490, 1350, 1690, 3400}}};
constexpr Formants kFormantGains = {1.0, 0.6, 0.35, 0.2};

class Voice {
 public:
  Voice(std::uint32_t seed, const SpeechStyle& style) : random_(seed), style_(style) {}

  std::vector<double> phrases(std::size_t samples) {
    std::vector<double> out;
    out.reserve(samples + 48'000);
    if (style_.pause_seconds > 0) silence(out, 0.1 + 0.2 * random_.uniform());
    while (out.size() < samples) {
      const auto syllables = 3 + random_.below(8);
      for (std::uint64_t i = 0; i < syllables; ++i) {
        if (random_.chance(0.55)) fricative(out, random_.uniform(0.03, 0.09));
        if (random_.chance(0.2)) silence(out, random_.uniform(0.02, 0.06));  // a plosive's closure
        vowel(out, random_.uniform(0.09, 0.24));
      }
      if (style_.pause_seconds > 0) silence(out, style_.pause_seconds * random_.uniform(0.4, 1.6));
    }
    out.resize(samples);
    return out;
  }

 private:
  void silence(std::vector<double>& out, double seconds) {
    out.insert(out.end(), static_cast<std::size_t>(seconds * kRate), 0.0);
  }

  void fricative(std::vector<double>& out, double seconds) {
    Resonator band;
    band.tune(random_.uniform(2'500, 6'500), 1'800);
    const auto samples = static_cast<std::size_t>(seconds * kRate);
    for (std::size_t i = 0; i < samples; ++i) {
      const double shape = std::sin(std::numbers::pi * static_cast<double>(i) / static_cast<double>(samples));
      out.push_back(0.25 * shape * band.step(random_.normal()));
    }
  }

  void vowel(std::vector<double>& out, double seconds) {
    const auto samples = static_cast<std::size_t>(seconds * kRate);
    const Formants& to = kVowels[random_.below(kVowels.size())];
    const double pitch_from = style_.pitch_hz * random_.uniform(0.85, 1.25);
    const double pitch_to = style_.pitch_hz * random_.uniform(0.8, 1.15);
    for (std::size_t i = 0; i < samples; ++i) {
      const double t = static_cast<double>(i) / static_cast<double>(samples);
      if (i % 48 == 0) {
        for (std::size_t f = 0; f < to.size(); ++f) {
          formants_[f] += 0.04 * (to[f] - formants_[f]);
          resonators_[f].tune(formants_[f], 60 + 40 * static_cast<double>(f));
        }
      }
      phase_ += (pitch_from + (pitch_to - pitch_from) * t) * jitter_ / kRate;
      if (phase_ >= 1) {
        phase_ -= 1;
        jitter_ = 1 + 0.008 * random_.normal();
      }
      const double source = glottal(phase_) + 0.01 * random_.normal();
      double sum = 0;
      for (std::size_t f = 0; f < to.size(); ++f) sum += kFormantGains[f] * resonators_[f].step(source);
      const double shape = std::min({1.0, t * 8, (1 - t) * 5});
      out.push_back(2.5 * shape * sum);
    }
  }

  // The derivative of a Rosenberg pulse: rises for 40 % of the period, falls for 16 %, closed for the rest.
  static double glottal(double phase) {
    if (phase < 0.4) return std::sin(std::numbers::pi * phase / 0.4) * 0.4;
    if (phase < 0.56) return -std::sin(std::numbers::pi / 2 * (phase - 0.4) / 0.16);
    return 0;
  }

  Random random_;
  SpeechStyle style_;
  Formants formants_ = kVowels[0];
  std::array<Resonator, 4> resonators_;
  double phase_ = 0;
  double jitter_ = 1;
};

}  // namespace

std::uint64_t Random::next() {  // xorshift64*
  state_ ^= state_ >> 12;
  state_ ^= state_ << 25;
  state_ ^= state_ >> 27;
  return state_ * 0x2545F4914F6CDD1DULL;
}
double Random::uniform() {
  return static_cast<double>(next() >> 11) * 0x1.0p-53;
}
double Random::uniform(double low, double high) {
  return low + (high - low) * uniform();
}
double Random::exponential(double mean) {
  return -mean * std::log(1 - uniform());
}
double Random::normal() {
  const double radius = std::sqrt(-2 * std::log(1 - uniform()));
  return radius * std::cos(kTwoPi * uniform());
}
bool Random::chance(double probability) {
  return uniform() < probability;
}
std::uint64_t Random::below(std::uint64_t limit) {
  return limit == 0 ? 0 : next() % limit;
}

std::vector<float> speech(double seconds, std::uint32_t seed, const SpeechStyle& style) {
  const auto samples = static_cast<std::size_t>(seconds * kRate);
  std::vector<double> voice = Voice(seed, style).phrases(samples);
  double energy = 0;
  std::size_t spoken = 0;
  for (const double sample : voice) {
    energy += sample * sample;
    if (sample != 0) ++spoken;
  }
  const double rms = spoken == 0 ? 1 : std::sqrt(energy / static_cast<double>(spoken));
  const double gain = rms > 0 ? from_db(style.level_dbfs) / rms : 0;
  const double noise = style.noise_dbfs < -120 ? 0 : from_db(style.noise_dbfs);
  Random random(seed + 1'000'003);
  std::vector<float> out(samples);
  for (std::size_t i = 0; i < samples; ++i)
    out[i] = static_cast<float>(std::clamp(voice[i] * gain + noise * random.normal(), -1.0, 1.0));
  return out;
}

std::vector<float> tone(double seconds, double hz, double amplitude) {
  std::vector<float> out(static_cast<std::size_t>(seconds * kRate));
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i] = static_cast<float>(amplitude * std::sin(kTwoPi * hz * static_cast<double>(i) / kRate));
  return out;
}

std::vector<float> keyed_tone(double seconds, double hz, double amplitude) {
  std::vector<float> out = tone(seconds, hz, amplitude);
  constexpr std::size_t kPeriod = 24'000;
  constexpr double kOn = 14'400;
  constexpr double kRamp = 480;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto at = static_cast<double>(i % kPeriod);
    out[i] *= static_cast<float>(std::clamp(std::min(at, kOn - at) / kRamp, 0.0, 1.0));
  }
  return out;
}

}  // namespace parley::test
