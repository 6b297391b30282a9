#include "tests/listen/keyed_tones.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "tests/support/audio_metrics.hpp"

namespace parley::listen {
namespace {

constexpr std::size_t kHop = 240, kWindow = 1'200;  // 5 and 25 ms at 48 kHz
constexpr double kHopMs = 5, kBeatMs = 500, kLongestGapMs = 100, kShortestSoundMs = 50;

std::vector<double> envelope(std::span<const float> pcm, double hz) {
  std::vector<double> out;
  for (std::size_t at = 0; at + kWindow <= pcm.size(); at += kHop)
    out.push_back(test::tone_amplitude(pcm.subspan(at, kWindow), hz));
  return out;
}

// Where sound begins: the envelope passes half of its usual height upwards, after a pause. What is too short
// to be a pause, or too short to be a sound, is a blemish of the call and not of who carried it.
std::vector<double> beginnings(const std::vector<double>& levels, double threshold) {
  std::vector<std::pair<double, double>> sounds;  // from, to
  for (std::size_t i = 1; i < levels.size(); ++i) {
    const double step = levels[i] - levels[i - 1];
    const double at =
        (static_cast<double>(i - 1) + (step != 0 ? (threshold - levels[i - 1]) / step : 0)) * kHopMs;
    if (levels[i - 1] < threshold && levels[i] >= threshold) {
      if (sounds.empty() || at - sounds.back().second > kLongestGapMs) sounds.emplace_back(at, at);
    } else if (levels[i - 1] >= threshold && levels[i] < threshold && !sounds.empty()) {
      sounds.back().second = at;
    }
  }
  std::vector<double> out;
  for (const auto& [from, to] : sounds)
    if (to - from > kShortestSoundMs) out.push_back(from);
  // Who starts to listen in the middle of a sound hears it begin there: the first beginning proves nothing.
  if (!out.empty()) out.erase(out.begin());
  return out;
}

}  // namespace

std::vector<KeyedTone> find_keyed_tones(std::span<const float> pcm, std::span<const double> frequencies) {
  std::vector<KeyedTone> out;
  for (const double hz : frequencies) {
    KeyedTone tone;
    tone.hz = hz;
    const auto levels = envelope(pcm, hz);
    const auto edges = beginnings(levels, 0.5 * test::quantile(levels, 0.8));
    tone.beats = edges.size();
    for (std::size_t i = 1; i < edges.size(); ++i) {
      const double off = std::abs(edges[i] - edges[i - 1] - kBeatMs);
      if (off <= tone.worst_gap_ms) continue;
      tone.worst_gap_ms = off;
      tone.worst_at_s = edges[i] / 1000;
    }
    if (edges.size() > 1)
      tone.clock_error_ms =
          std::abs(edges.back() - edges.front() - kBeatMs * static_cast<double>(edges.size() - 1));
    out.push_back(tone);
  }
  return out;
}

}  // namespace parley::listen
