// How loud a track is: integrated loudness (EBU R 128), and its level over time for a picture.
//
// Shapes: mono float at 48 kHz. Memory: one byte for each 100 ms. Threads: one owner.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "pipelines/recorder/track_reader.hpp"

namespace parley::recorder {

struct Loudness {
  std::optional<double> lufs;  // nothing: it is silence, or shorter than 400 ms
  double peak = 0;             // sample peak, 1.0 is full scale
  std::uint64_t samples = 0;
  std::int64_t step_ms = 100;  // of levels
  std::vector<std::uint8_t>
      levels;  // RMS of the loudest 100 ms in each step, dB below full scale, at most 127
};

class SoundMeter {
 public:
  static constexpr std::size_t kMaxLevels = 600;  // more than a picture is wide

  SoundMeter();
  ~SoundMeter();
  void add(std::span<const float> samples);
  Loudness result() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Reads all of it. `go_on` is asked after each second of sound; nothing when it says no, or at an error.
std::optional<Loudness> measure(TrackReader& track, const std::function<bool()>& go_on = {});

// RFC 7845 section 5.2.1 counts from -23 LUFS, and so do ReplayGain's tags here.
inline constexpr double kReferenceLufs = -23.0;

}  // namespace parley::recorder
