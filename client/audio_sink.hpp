// Where the audio that a client hears goes. Mono float at 48 kHz in pieces of 20 ms.
//
// Threads: one owner (the playout thread).
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "transport/base/result.hpp"
#include "transport/base/time.hpp"

namespace parley::client {

class AudioSink {
 public:
  virtual ~AudioSink() = default;
  // `at`: when this piece is due. Pieces that were skipped are the sink's business (a file fills them with
  // silence).
  virtual void write(TimePoint at, std::span<const float> pcm) = 0;
  // True: wait() returns when the device wants the next piece, with the time it is due, so the caller needs
  // no clock of its own.
  virtual bool paces() const { return false; }
  virtual TimePoint wait() { return now(); }
  virtual std::optional<Error> failure() { return std::nullopt; }
  // Makes what was written last for good.
  virtual void finish() {}
};

class NullSink final : public AudioSink {
 public:
  void write(TimePoint, std::span<const float>) override {}
};

// Keeps what it gets: for tests.
class MemorySink final : public AudioSink {
 public:
  void write(TimePoint, std::span<const float> pcm) override {
    pcm_.insert(pcm_.end(), pcm.begin(), pcm.end());
  }
  const std::vector<float>& pcm() const { return pcm_; }

 private:
  std::vector<float> pcm_;
};

// What `--output` says.
struct OutputSpec {
  enum class Kind : std::uint8_t { speaker, file, null };
  Kind kind = Kind::speaker;
  std::string path;
};
// "speaker", "null", or the path of a WAV file to write.
Result<OutputSpec> parse_output(const std::string& text);

// Error.what is a sentence for the user that names the way out.
Result<std::unique_ptr<AudioSink>> open_sink(const OutputSpec& spec);

}  // namespace parley::client
