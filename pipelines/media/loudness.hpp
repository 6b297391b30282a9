// EBU R 128 / ITU-R BS.1770-4 short-term loudness (3 s) of one talker, 48 kHz mono, and the auto-level rule
// (design rule 10): a slow gain towards a target with a dead band of +-3 LU in which the gain is exactly 1,
// frozen in silence.
//
// Threads: the room's mix thread. No allocation after construction.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

namespace parley::media {

class LoudnessMeter {
 public:
  LoudnessMeter();
  ~LoudnessMeter();
  // Speech ticks only: silence does not count (gate at -50 LUFS per 100 ms). `applied_db`: a gain that these
  // samples already carry (a client that applies the gain it was told) and that is taken off, so that the
  // loudness measured is always that before any auto level. Samples that are not finite or absurdly large
  // count as 0.
  void add(std::span<const float> samples, float applied_db = 0.0F);
  double short_term_lufs() const;  // -70 when nothing was measured
  double momentary_lufs() const;   // of the last 400 ms; -70 when nothing was measured
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
    double max_boost_db = 24.0;  // a sine of -40 dBFS has -43 LUFS
    double max_cut_db = 20.0;
    double db_per_second = 4.0;
  };
  AutoLevel();
  explicit AutoLevel(const Config& config);
  // One tick of `seconds`. `audible`: the talker speaks now; otherwise nothing moves. Returns the gain in dB.
  float step(const LoudnessMeter& meter, double seconds, bool audible);
  float gain_db() const;
  // The gain is on its way.
  bool moving() const { return moving_; }

 private:
  Config config_;
  double gain_db_ = 0.0;
  bool correcting_ = false;  // outside the dead band, with hysteresis
  bool moving_ = false;
};

}  // namespace parley::media
