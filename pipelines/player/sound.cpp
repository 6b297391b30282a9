#include "pipelines/player/sound.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <numbers>

#include "pipelines/device/file_decoder.hpp"

namespace parley::player {
namespace {

namespace fs = std::filesystem;

constexpr double kRate = 48'000;
constexpr double kToneLevel = 0.1;  // -20 dBFS
constexpr std::int64_t kRamp = 480;
constexpr std::size_t kMaxName = 255;

class Tone final : public Sound {
 public:
  Tone(double hz, std::optional<Duration> length)
      : step_(hz / kRate), length_(length ? std::optional(*length * 48 / 1ms) : std::nullopt) {}

  bool read(std::span<float> out) override {
    for (float& sample : out) {
      std::int64_t edge = std::min(position_, kRamp);
      if (length_) edge = std::clamp(*length_ - position_, std::int64_t{0}, edge);
      const double envelope = static_cast<double>(edge) / kRamp;
      sample = static_cast<float>(kToneLevel * envelope * std::sin(2 * std::numbers::pi * phase_));
      phase_ += step_;
      phase_ -= std::floor(phase_);
      ++position_;
    }
    return !length_ || position_ < *length_;
  }
  std::optional<Duration> duration() const override {
    return length_ ? std::optional<Duration>(*length_ * 1ms / 48) : std::nullopt;
  }

 private:
  const double step_;
  const std::optional<std::int64_t> length_;
  std::int64_t position_ = 0;
  double phase_ = 0;
};

class FileSound final : public Sound {
 public:
  explicit FileSound(std::unique_ptr<device::FileDecoder> decoder)
      : decoder_(std::move(decoder)), duration_(decoder_->duration()) {}

  bool read(std::span<float> out) override {
    const std::size_t got = decoder_->read(out, Duration::zero());
    std::fill(out.begin() + static_cast<std::ptrdiff_t>(got), out.end(), 0.0F);
    return !decoder_->ended();
  }
  std::optional<Duration> duration() const override { return duration_; }

 private:
  std::unique_ptr<device::FileDecoder> decoder_;
  std::optional<Duration> duration_;
};

}  // namespace

std::unique_ptr<Sound> make_tone(double hz, std::optional<Duration> length) {
  return std::make_unique<Tone>(hz, length);
}

Result<std::unique_ptr<Sound>> open_sound(const std::string& path, bool loop) {
  auto decoder = device::FileDecoder::open(path, loop);
  if (!decoder) return decoder.error();
  return std::unique_ptr<Sound>(std::make_unique<FileSound>(std::move(*decoder)));
}

Result<std::string> find_below(const std::string& directory, const std::string& name) {
  const bool safe = std::all_of(name.begin(), name.end(),
                                [](unsigned char c) { return c >= 0x20 && c != 0x7f && c != '\\'; });
  if (name.empty() || name.size() > kMaxName || !safe || name.front() == '/')
    return Error{"file: must be the name of a file below playback.directory", 400};
  std::error_code error;
  const auto root = fs::canonical(directory, error);
  if (error) return Error{"playback.directory: " + error.message(), 503};
  const auto path = fs::canonical(root / name, error);
  const bool inside =
      !error && std::mismatch(root.begin(), root.end(), path.begin(), path.end()).first == root.end();
  if (!inside || !fs::is_regular_file(path, error)) return Error{"file: there is no such file", 404};
  return path.string();
}

}  // namespace parley::player
