// How much later the server's path brings what the direct one has brought already, found by listening to
// both: timestamps of the two have nothing in common once a mixer was in between, the sound has.
//
// Mono at 48 kHz. Pure. Threads: one owner (the playout thread).
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace parley::client {

class PathAligner {
 public:
  static constexpr std::size_t kMostLag = 400 * 48;  // samples

  PathAligner();

  // A tick of each path, of the same length, in step.
  void add(std::span<const float> mcu, std::span<const float> direct);

  // Samples by which the server's path is behind: its latest 160 ms compared with what the direct path has
  // brought. Nothing: too quiet, or they have nothing in common.
  std::optional<std::size_t> lag() const;

  // What the direct path brought last, up to now. count: at most kMostLag plus 45 ms.
  std::span<const float> direct(std::size_t count) const { return std::span(direct_).last(count); }

 private:
  static constexpr std::size_t kCoarse = 12;           // 4 kHz are enough for the first look
  static constexpr std::size_t kWindow = 160 * 48;     // samples compared
  static constexpr std::size_t kFineWindow = 20 * 48;  // of the second look
  static constexpr std::size_t kHistory = kMostLag + kWindow;

  std::size_t refine(std::size_t about) const;

  std::vector<float> mcu_;                         // kWindow
  std::vector<float> direct_;                      // kHistory
  std::vector<float> coarse_mcu_, coarse_direct_;  // the same, thinned out
};

}  // namespace parley::client
