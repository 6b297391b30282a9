// Synthetic speech for tests: a glottal pulse train through formants, fricatives and pauses, the same for the
// same seed on every machine. Good enough for Opus' voice activity detection, its pitch prediction and its
// DTX; not meant for listening.
#pragma once

#include <cstdint>
#include <vector>

namespace parley::test {

struct SpeechStyle {
  double pitch_hz = 120;       // the middle of the pitch contour
  double level_dbfs = -22;     // RMS while speaking
  double pause_seconds = 0.4;  // mean pause between phrases, 0: no pauses
  double noise_dbfs = -75;     // background noise, always there; below -120: none
};

// Mono, 48 kHz, `seconds` long.
std::vector<float> speech(double seconds, std::uint32_t seed = 1, const SpeechStyle& style = {});

// A tone of `hz` keyed 300 ms on, 200 ms off with 10 ms ramps: a steady one is noise to Opus' DTX.
std::vector<float> keyed_tone(double seconds, double hz, double amplitude = 0.3);

// A steady sine.
std::vector<float> tone(double seconds, double hz, double amplitude = 0.3);

// A small generator with the same sequence everywhere (std distributions differ between libraries).
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15ULL + 0x1234567) {}
  std::uint64_t next();
  double uniform();                          // [0, 1)
  double uniform(double low, double high);   // [low, high)
  double exponential(double mean);           // > 0
  double normal();                           // mean 0, deviation 1
  bool chance(double probability);           // true with this probability
  std::uint64_t below(std::uint64_t limit);  // [0, limit)

 private:
  std::uint64_t state_;
};

}  // namespace parley::test
