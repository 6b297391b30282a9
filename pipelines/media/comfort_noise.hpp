// Low noise at the level of the talker's own background, for the places where sound ends without its sender
// having meant it: digital silence under speech sounds like a broken line.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>

namespace parley::media {

class ComfortNoise {
 public:
  // The level of each decoded tick: the floor follows the quietest ones down at once and rises slowly.
  void observe(float rms) { floor_ = std::clamp(std::min(rms, floor_ * 1.005F), kLowest, kLoudest); }

  // Adds noise; it is a little darker than white, as rooms are.
  void add_to(std::span<float> out) {
    const float scale = floor_ * 3.0F * 0x1p-31F;
    for (float& sample : out) {
      state_ = state_ * 1'664'525U + 1'013'904'223U;
      low_ += 0.5F * (static_cast<float>(static_cast<std::int32_t>(state_)) * scale - low_);
      sample += low_;
    }
  }

 private:
  static constexpr float kLowest = 3e-5F;   // -90 dBFS
  static constexpr float kLoudest = 2e-3F;  // -54 dBFS
  float floor_ = 3e-4F;
  float low_ = 0;
  std::uint32_t state_ = 1;
};

}  // namespace parley::media
