// Between 48 kHz and 8 kHz (G.711): a linear-phase low-pass of 3.4 kHz in polyphase form, 1.5 ms of delay
// each way. State is carried over, so pieces of any length join without a seam.
//
// Threads: one owner.
#pragma once

#include <array>
#include <cstddef>
#include <span>

namespace parley::media {

inline constexpr std::size_t kResampleFactor = 6;
inline constexpr std::size_t kResampleTaps = 24 * kResampleFactor;

class Decimator {
 public:
  // in.size() == 6 * out.size().
  void process(std::span<const float> in, std::span<float> out);

 private:
  std::array<float, kResampleTaps> history_{};  // newest last
};

class Interpolator {
 public:
  // out.size() == 6 * in.size().
  void process(std::span<const float> in, std::span<float> out);

 private:
  std::array<float, kResampleTaps / kResampleFactor> history_{};  // newest last
};

}  // namespace parley::media
