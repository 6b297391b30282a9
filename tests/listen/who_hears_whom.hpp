// Judges a call by ear: from what each participant said and what each heard, who hears whom, how loud, how
// late, and that nobody hears oneself.
#pragma once

#include <string>
#include <vector>

namespace parley::listen {

struct Voice {
  std::string name;
  std::vector<float> pcm;  // mono, 48 kHz
  double starts = 0;       // seconds on a clock that all voices and ears share
};

struct Cell {
  std::string listener, talker;
  bool self = false;
  double level_db = -200;  // of the talker in what the listener heard, relative to what the talker said
  double delay_ms = 0;     // mouth to ear, median over the seconds of the call; meaningless for oneself
  double longest_delay_ms = 0;
  double correlation = 0;  // self: largest normalised correlation at any lag from 0 to 400 ms
  bool ok = false;
};

struct Ear {
  std::string listener;
  std::vector<Cell> cells;
  double mix_correlation = 0;  // with the ideal mix of the others
  double largest_gap_ms = 0;   // silence heard while the ideal mix was audible
  bool ok = false;
};

struct Limits {
  double mix_correlation = 0.75;
  double absent_correlation = 0.05;
  double absent_level_db = -50;
  double largest_gap_ms = 60;
  double largest_delay_ms = 300;
};

// `heard[i]` is what the participant named heard[i].name received. `said` holds all talkers.
// The level of one's own voice is taken where one speaks alone: what is heard then must be silence.
std::vector<Ear> who_hears_whom(const std::vector<Voice>& said, const std::vector<Voice>& heard,
                                const Limits& limits = {});

std::string table(const std::vector<Ear>& ears);

}  // namespace parley::listen
