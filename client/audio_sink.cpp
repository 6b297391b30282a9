#include "client/audio_sink.hpp"

#include <algorithm>
#include <array>

#include "client/wav_writer.hpp"
#include "pipelines/device/speaker.hpp"

namespace parley::client {

namespace {

// Keeps the file aligned to real time: second 10 of the file is second 10 of the call, also when pieces in
// between were never played (a suspended machine).
class WavSink final : public AudioSink {
 public:
  explicit WavSink(std::unique_ptr<WavWriter> writer) : writer_(std::move(writer)) {}

  void write(TimePoint at, std::span<const float> pcm) override {
    if (failure_) return;
    if (!started_) {
      started_ = true;
      start_ = at;
    }
    fill_up_to(at);
    keep(writer_->write(pcm));
  }
  std::optional<Error> failure() override { return failure_; }
  void finish() override {
    if (!failure_) keep(writer_->finish());
  }

 private:
  void fill_up_to(TimePoint at) {
    const auto due =
        static_cast<std::int64_t>(std::chrono::duration<double>(at - start_).count() * WavWriter::kRate);
    auto missing = due - static_cast<std::int64_t>(writer_->samples());
    if (missing < kTolerance) return;
    static constexpr std::array<float, 960> kSilence{};
    while (missing > 0 && !failure_) {
      const auto piece = std::min<std::int64_t>(missing, static_cast<std::int64_t>(kSilence.size()));
      keep(writer_->write(std::span(kSilence).first(static_cast<std::size_t>(piece))));
      missing -= piece;
    }
  }
  void keep(const Status& status) {
    if (!status && !failure_) failure_ = status.error();
  }

  static constexpr std::int64_t kTolerance = 2 * 960;
  std::unique_ptr<WavWriter> writer_;
  std::optional<Error> failure_;
  bool started_ = false;
  TimePoint start_{};
};

class SpeakerSink final : public AudioSink {
 public:
  explicit SpeakerSink(std::unique_ptr<device::Speaker> speaker) : speaker_(std::move(speaker)) {}
  void write(TimePoint, std::span<const float> pcm) override { speaker_->write(pcm); }
  bool paces() const override { return true; }
  TimePoint wait() override { return speaker_->wait(); }
  std::optional<Error> failure() override { return speaker_->failure(); }

 private:
  std::unique_ptr<device::Speaker> speaker_;
};

}  // namespace

Result<OutputSpec> parse_output(const std::string& text) {
  if (text.empty()) return Error{"output: is empty (speaker, null or a file)"};
  if (text == "speaker") return OutputSpec{OutputSpec::Kind::speaker, {}};
  if (text == "null") return OutputSpec{OutputSpec::Kind::null, {}};
  return OutputSpec{OutputSpec::Kind::file, text};
}

Result<std::unique_ptr<AudioSink>> open_sink(const OutputSpec& spec) {
  using Sink = std::unique_ptr<AudioSink>;
  switch (spec.kind) {
    case OutputSpec::Kind::null:
      return Sink(std::make_unique<NullSink>());
    case OutputSpec::Kind::file: {
      auto writer = WavWriter::create(spec.path);
      if (!writer) return Error{"output: " + writer.error().what};
      return Sink(std::make_unique<WavSink>(std::move(*writer)));
    }
    case OutputSpec::Kind::speaker:
      break;
  }
  auto speaker = device::Speaker::open();
  if (!speaker)
    return Error{speaker.error().what + ". Without a sound device use --output FILE.wav or --output null"};
  return Sink(std::make_unique<SpeakerSink>(std::move(*speaker)));
}

}  // namespace parley::client
