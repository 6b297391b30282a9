// When to try again after a connection was lost: at once the first time, then twice as long after each
// failure, each time shortened by chance so that the clients of a server that comes back do not all knock in
// the same moment.
//
// Pure. Threads: one owner.
#pragma once

#include <cstdint>
#include <random>

#include "transport/base/time.hpp"

namespace parley::client {

class Backoff {
 public:
  static constexpr Duration kFirst = 100ms;
  // Media must flow within 2 s of the server's return: this, and a join.
  static constexpr Duration kLongest = 1500ms;

  explicit Backoff(std::uint64_t seed) : random_(static_cast<std::minstd_rand::result_type>(seed)) {}

  // The pause before the next attempt, between half of the step and all of it.
  Duration next() {
    const Duration step = step_;
    step_ = std::min(step_ * 2, kLongest);
    return std::chrono::duration_cast<Duration>(step * std::uniform_real_distribution(0.5, 1.0)(random_));
  }
  void reset() { step_ = kFirst; }

 private:
  std::minstd_rand random_;
  Duration step_ = kFirst;
};

}  // namespace parley::client
