// Tracks of a recording mixed anew, offline: each with a gain of its own, summed and limited as the room's
// mixer does (pipelines/media/mix_bus.hpp), brought to a loudness on request. Streams: what it holds does not
// grow with the length.
//
// Threads: one owner.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "pipelines/media/mix_bus.hpp"
#include "pipelines/recorder/sound_meter.hpp"
#include "pipelines/recorder/track_reader.hpp"
#include "pipelines/remix/file_encoder.hpp"

namespace parley::remix {

// A track begins with the recording (what was before its first sound is silence in it), so that all of them
// are in step as they are.
struct Part {
  std::string name;  // for messages
  std::unique_ptr<recorder::TrackReader> track;
  double gain_db = 0;
};

class Mixer {
 public:
  static constexpr std::size_t kTick = 960;

  // `gain_db`: of the whole mix, before its limiter.
  Mixer(std::vector<Part> parts, double gain_db);
  // At most kTick samples; fewer at the end, none behind it.
  Result<std::span<const float>> next();
  // What was unreadable and is silence in the mix: "alice: 2 damaged pieces".
  std::vector<std::string> damages() const;

 private:
  Result<bool> sum();

  struct Input {
    Part part;
    float gain = 1;
    bool ended = false;
  };
  std::vector<Input> inputs_;
  const float gain_;
  media::Limiter limiter_;
  std::vector<float> samples_, out_;
  std::vector<media::Q24> part_;
  std::vector<media::Q24Sum> sum_, tail_;
  std::uint64_t length_ = 0, given_ = 0;
  bool ended_ = false;
  std::size_t skip_ = media::Limiter::kLookAhead;  // the limiter's delay is taken off
};

struct Job {
  // Opens the tracks; called once, or twice when the loudness is to be measured first.
  std::function<Result<std::vector<Part>>()> open;
  std::string output, title;
  FileFormat format = FileFormat::opus;
  std::optional<double> target_lufs;
  std::uint64_t expected_samples = 0;         // for the progress
  std::function<bool(double done)> progress;  // 0 … 1; false: stop
};
struct Report {
  std::uint64_t samples = 0;
  recorder::Loudness loudness;  // of the result, before its encoder
  std::optional<double> before_lufs;
  double gain_db = 0;
  std::vector<std::string> damages;
};
// An Error of code ECANCELED: `progress` said so.
Result<Report> remix(const Job& job);

}  // namespace parley::remix
