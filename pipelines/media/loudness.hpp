// EBU R 128 / ITU-R BS.1770-4 short-term loudness (3 s) of one talker, 48 kHz mono, and the auto-level rule (design
// rule 10): a slow gain towards a target with a dead band of +-3 LU in which the gain is exactly 1, frozen in silence.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

namespace parley::media {

class LoudnessMeter {
 public:
  LoudnessMeter();
  ~LoudnessMeter();
  void add(std::span<const float> samples);  // speech ticks only: silence does not count (gate at -50 LUFS)
  double short_term_lufs() const;            // -70 when nothing was measured
  double seconds_measured() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

class AutoLevel {
 public:
  struct Config {
    double target_lufs = -20.0;
    double dead_band = 3.0;
    double max_boost_db = 20.0;
    double max_cut_db = 20.0;
    double db_per_second = 4.0;
  };
  AutoLevel();
  explicit AutoLevel(const Config& config);
  // One tick of `seconds`. `audible`: the talker speaks now; otherwise nothing moves. Returns the gain in dB.
  float step(const LoudnessMeter& meter, double seconds, bool audible);
  float gain_db() const;

 private:
  Config config_;
  float gain_db_ = 0;
  bool correcting_ = false;
};

}  // namespace parley::media
