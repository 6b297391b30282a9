// Follows what was heard along what was said: what was heard twice, and what was left out.
#pragma once

#include <span>

namespace parley::test {

struct Course {
  double repeated_ms = 0;                       // the most that was heard twice at one place
  double skipped_ms = 0;                        // the most that was left out at one place
  double delay_begin_ms = 0, delay_end_ms = 0;  // of the first and the last sound
  int looks = 0;                                // places where what was heard was found in what was said
};

// Mono at 48 kHz; `said` is speech-like (a steady tone looks the same everywhere), sample 0 of both at the
// same time, what is heard at most `most_delay_ms` behind. Slow stretching is neither repeated nor skipped.
Course follow(std::span<const float> said, std::span<const float> heard, double most_delay_ms = 600);

}  // namespace parley::test
