#include "pipelines/recorder/sound_meter.hpp"

#include <ebur128.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace parley::recorder {
namespace {

constexpr std::size_t kStep = 4'800;   // samples: 100 ms
constexpr double kAbsoluteGate = -70;  // LUFS, of the recommendation

struct Destroy {
  void operator()(ebur128_state* state) const { ebur128_destroy(&state); }
};

std::uint8_t below_full_scale(double mean_square) {
  const double db = mean_square > 0 ? -10 * std::log10(mean_square) : 127;
  return static_cast<std::uint8_t>(std::clamp(std::lround(db), 0L, 127L));
}

}  // namespace

struct SoundMeter::State {
  // A histogram instead of a list of all blocks: the memory does not grow with the length.
  std::unique_ptr<ebur128_state, Destroy> meter{
      ebur128_init(1, 48'000, EBUR128_MODE_I | EBUR128_MODE_HISTOGRAM)};
  double peak = 0, squares = 0;
  std::size_t in_step = 0;
  std::uint64_t samples = 0;
  std::vector<std::uint8_t> levels;

  void end_step() {
    levels.push_back(below_full_scale(squares / static_cast<double>(in_step)));
    squares = 0;
    in_step = 0;
  }
};

SoundMeter::SoundMeter() : state_(std::make_unique<State>()) {}
SoundMeter::~SoundMeter() = default;

void SoundMeter::add(std::span<const float> samples) {
  State& s = *state_;
  if (s.meter) static_cast<void>(ebur128_add_frames_float(s.meter.get(), samples.data(), samples.size()));
  s.samples += samples.size();
  for (const float sample : samples) {
    const double value = sample;
    s.peak = std::max(s.peak, std::fabs(value));
    s.squares += value * value;
    if (++s.in_step == kStep) s.end_step();
  }
}

Loudness SoundMeter::result() const {
  const State& s = *state_;
  Loudness out;
  out.peak = s.peak;
  out.samples = s.samples;
  double lufs = 0;
  if (s.meter && ebur128_loudness_global(s.meter.get(), &lufs) == EBUR128_SUCCESS && lufs > kAbsoluteGate)
    out.lufs = lufs;
  auto levels = s.levels;
  if (s.in_step > 0) levels.push_back(below_full_scale(s.squares / static_cast<double>(s.in_step)));
  const auto merge = std::max<std::size_t>((levels.size() + kMaxLevels - 1) / kMaxLevels, 1);
  out.step_ms = static_cast<std::int64_t>(merge) * 100;
  for (std::size_t at = 0; at < levels.size(); at += merge) {
    const auto end = std::min(at + merge, levels.size());
    out.levels.push_back(*std::min_element(levels.begin() + static_cast<std::ptrdiff_t>(at),
                                           levels.begin() + static_cast<std::ptrdiff_t>(end)));
  }
  return out;
}

std::optional<Loudness> measure(TrackReader& track, const std::function<bool()>& go_on) {
  SoundMeter meter;
  std::vector<float> second(48'000);
  for (;;) {
    const auto got = track.read(second);
    if (!got) return std::nullopt;
    meter.add(std::span(second).first(*got));
    if (*got < second.size()) return meter.result();
    if (go_on && !go_on()) return std::nullopt;
  }
}

}  // namespace parley::recorder
