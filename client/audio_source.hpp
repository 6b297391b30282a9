// Where the audio that a client sends comes from. Mono float at 48 kHz, pulled in pieces of 10 or 20 ms.
//
// Threads: one owner (the capture thread).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "transport/base/result.hpp"

namespace parley::client {

class AudioSource {
 public:
  virtual ~AudioSource() = default;
  // Writes all of `out`; silence when there is nothing (more).
  virtual void read(std::span<float> out) = 0;
  // True: read() returns when a device has delivered, so the caller needs no clock of its own.
  virtual bool paces() const { return false; }
  virtual std::optional<Error> failure() { return std::nullopt; }
};

class SilenceSource final : public AudioSource {
 public:
  void read(std::span<float> out) override;
};

// A sine that Opus' voice detection takes for a talker: 300 ms on, 200 ms off, with ramps of 10 ms (a steady
// tone is noise to it, and DTX silences it after a second or two).
class ToneSource final : public AudioSource {
 public:
  struct Settings {
    double hz = 440;
    double amplitude = 0.1;
    bool steady = false;
    friend bool operator==(const Settings&, const Settings&) = default;
  };
  static constexpr std::int64_t kOn = 14'400, kPeriod = 24'000, kRamp = 480;  // samples

  explicit ToneSource(const Settings& settings) : settings_(settings) {}
  void read(std::span<float> out) override;

 private:
  double envelope() const;

  Settings settings_;
  double phase_ = 0;  // of one cycle
  std::int64_t position_ = 0;
};

// Samples from memory: for tests and for many clients in one process (the samples are shared).
class PcmSource final : public AudioSource {
 public:
  explicit PcmSource(std::shared_ptr<const std::vector<float>> pcm, bool loop = false)
      : pcm_(std::move(pcm)), loop_(loop) {}
  void read(std::span<float> out) override;
  bool ended() const { return !loop_ && position_ >= pcm_->size(); }

 private:
  std::shared_ptr<const std::vector<float>> pcm_;
  std::size_t position_ = 0;
  bool loop_;
};

// What `--input` says.
struct InputSpec {
  enum class Kind : std::uint8_t { microphone, file, tone, silence };
  Kind kind = Kind::microphone;
  std::string path;
  ToneSource::Settings tone;
};
// "mic", "silence", "tone:HZ[,steady][,amp=A]", or the path of an audio file.
Result<InputSpec> parse_input(const std::string& text);

// Error.what is a sentence for the user that names the way out.
Result<std::unique_ptr<AudioSource>> open_source(const InputSpec& spec, bool loop);

}  // namespace parley::client
