#include "client/audio_source.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numbers>

#include "pipelines/device/file_decoder.hpp"
#include "pipelines/device/microphone.hpp"

namespace parley::client {

namespace {

class FileSource final : public AudioSource {
 public:
  explicit FileSource(std::unique_ptr<device::FileDecoder> decoder) : decoder_(std::move(decoder)) {}
  void read(std::span<float> out) override {
    const std::size_t got = decoder_->read(out);
    std::fill(out.begin() + static_cast<std::ptrdiff_t>(got), out.end(), 0.0F);
  }

 private:
  std::unique_ptr<device::FileDecoder> decoder_;
};

class MicrophoneSource final : public AudioSource {
 public:
  explicit MicrophoneSource(std::unique_ptr<device::Microphone> microphone)
      : microphone_(std::move(microphone)) {}
  void read(std::span<float> out) override { microphone_->read(out); }
  bool paces() const override { return true; }
  std::optional<Error> failure() override { return microphone_->failure(); }

 private:
  std::unique_ptr<device::Microphone> microphone_;
};

std::optional<double> number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

Result<ToneSource::Settings> parse_tone(std::string_view text) {
  const auto take = [&text] {
    const auto comma = text.find(',');
    const auto part = text.substr(0, comma);
    text = comma == std::string_view::npos ? std::string_view{} : text.substr(comma + 1);
    return part;
  };
  ToneSource::Settings tone;
  const auto hz = number(take());
  if (!hz || *hz < 20 || *hz > 20'000) return Error{"tone: the frequency must be 20 to 20000 Hz"};
  tone.hz = *hz;
  while (!text.empty()) {
    const auto part = take();
    if (part == "steady") {
      tone.steady = true;
    } else if (part.substr(0, 4) == "amp=") {
      const auto amplitude = number(part.substr(4));
      if (!amplitude || *amplitude <= 0 || *amplitude > 1)
        return Error{"tone: amp must be above 0 and at most 1"};
      tone.amplitude = *amplitude;
    } else {
      return Error{"tone: unknown option \"" + std::string(part) + "\" (known: steady, amp=A)"};
    }
  }
  return tone;
}

}  // namespace

void SilenceSource::read(std::span<float> out) {
  std::fill(out.begin(), out.end(), 0.0F);
}

double ToneSource::envelope() const {
  if (settings_.steady) return std::min(1.0, static_cast<double>(position_) / kRamp);
  const std::int64_t at = position_ % kPeriod;
  if (at >= kOn) return 0;
  const double edge = static_cast<double>(std::min({at, kOn - at, kRamp})) / kRamp;
  return 0.5 - 0.5 * std::cos(std::numbers::pi * edge);
}

void ToneSource::read(std::span<float> out) {
  for (float& sample : out) {
    sample = static_cast<float>(settings_.amplitude * envelope() * std::sin(2 * std::numbers::pi * phase_));
    phase_ += settings_.hz / 48'000;
    phase_ -= std::floor(phase_);
    ++position_;
  }
}

void PcmSource::read(std::span<float> out) {
  for (float& sample : out) {
    if (loop_ && position_ >= pcm_->size()) position_ = 0;
    sample = position_ < pcm_->size() ? (*pcm_)[position_++] : 0.0F;
  }
}

Result<InputSpec> parse_input(const std::string& text) {
  InputSpec spec;
  if (text.empty()) return Error{"input: is empty (mic, silence, tone:HZ or a file)"};
  if (text == "mic") return spec;
  if (text == "silence") {
    spec.kind = InputSpec::Kind::silence;
  } else if (text.starts_with("tone:")) {
    auto tone = parse_tone(std::string_view(text).substr(5));
    if (!tone) return tone.error();
    spec.kind = InputSpec::Kind::tone;
    spec.tone = *tone;
  } else {
    spec.kind = InputSpec::Kind::file;
    spec.path = text;
  }
  return spec;
}

Result<std::unique_ptr<AudioSource>> open_source(const InputSpec& spec, bool loop) {
  using Source = std::unique_ptr<AudioSource>;
  switch (spec.kind) {
    case InputSpec::Kind::silence:
      return Source(std::make_unique<SilenceSource>());
    case InputSpec::Kind::tone:
      return Source(std::make_unique<ToneSource>(spec.tone));
    case InputSpec::Kind::file: {
      auto decoder = device::FileDecoder::open(spec.path, loop);
      if (!decoder) return Error{"input: " + decoder.error().what};
      return Source(std::make_unique<FileSource>(std::move(*decoder)));
    }
    case InputSpec::Kind::microphone:
      break;
  }
  auto microphone = device::Microphone::open();
  if (!microphone)
    return Error{microphone.error().what +
                 ". Without a sound device use --input FILE.wav, --input tone:440 or --input silence "
                 "(or --listen-only)"};
  return Source(std::make_unique<MicrophoneSource>(std::move(*microphone)));
}

}  // namespace parley::client
