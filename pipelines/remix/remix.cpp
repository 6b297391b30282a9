#include "pipelines/remix/remix.hpp"

#include <algorithm>
#include <cerrno>
#include <cmath>

namespace parley::remix {
namespace {

constexpr double kMaxGain = 40;        // dB: silence is not made loud
constexpr std::size_t kPiece = 4'800;  // samples that the encoder gets at once
constexpr std::uint64_t kReport = 10 * 48'000;

float linear(double db) {
  return static_cast<float>(std::pow(10.0, db / 20));
}

// Runs a mix to its end and gives what comes out, piece by piece.
template <typename Use>
Status run(Mixer& mixer, const Job& job, double from, double share, Use use) {
  std::vector<float> piece;
  piece.reserve(kPiece + Mixer::kTick);
  std::uint64_t samples = 0, told = 0;
  for (;;) {
    const auto next = mixer.next();
    if (!next) return next.error();
    piece.insert(piece.end(), next->begin(), next->end());
    samples += next->size();
    if (piece.size() >= kPiece || next->empty()) {
      if (auto used = use(std::span<const float>(piece)); !used) return used;
      piece.clear();
    }
    if (samples - told >= kReport && job.progress) {
      told = samples;
      const auto all = static_cast<double>(std::max<std::uint64_t>(job.expected_samples, samples));
      if (!job.progress(from + share * static_cast<double>(samples) / all))
        return Error{"stopped", ECANCELED};
    }
    if (next->empty()) return Done{};
  }
}

}  // namespace

Mixer::Mixer(std::vector<Part> parts, double gain_db)
    : gain_(linear(gain_db)),
      limiter_(kTick),
      samples_(kTick),
      out_(kTick),
      part_(kTick),
      sum_(kTick),
      tail_(media::Limiter::kLookAhead) {
  for (auto& part : parts) {
    const float gain = linear(part.gain_db) * gain_;
    inputs_.push_back({std::move(part), gain, false});
  }
}

// One tick of all inputs, as integers. False: all have ended.
Result<bool> Mixer::sum() {
  std::fill(sum_.begin(), sum_.end(), 0);
  std::size_t longest = 0;
  for (auto& input : inputs_) {
    if (input.ended) continue;
    const auto got = input.part.track->read(samples_);
    if (!got) return Error{input.part.name + ": " + got.error().what, got.error().code};
    input.ended = *got < kTick;
    longest = std::max(longest, *got);
    std::fill(samples_.begin() + static_cast<std::ptrdiff_t>(*got), samples_.end(), 0.0F);
    media::to_q24(samples_, input.gain, input.gain, part_);
    media::add(sum_, part_);
  }
  length_ += longest;
  return longest > 0;
}

Result<std::span<const float>> Mixer::next() {
  for (;;) {
    if (!ended_) {
      const auto more = sum();
      if (!more) return more.error();
      ended_ = !*more;
    } else if (given_ < length_) {
      std::fill(sum_.begin(), sum_.end(), 0);  // the last that the limiter holds back
    }
    if (given_ == length_ && ended_) return std::span<const float>();
    limiter_.begin();
    limiter_.measure(sum_);
    limiter_.finish();
    limiter_.apply(sum_, tail_, out_);
    const auto fresh = std::span<const float>(out_).subspan(skip_);
    skip_ = 0;
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(fresh.size(), length_ - given_));
    given_ += count;
    if (count > 0) return fresh.first(count);
  }
}

std::vector<std::string> Mixer::damages() const {
  std::vector<std::string> out;
  for (const auto& input : inputs_)
    if (const auto pieces = input.part.track->damaged(); pieces > 0)
      out.push_back(input.part.name + ": " + std::to_string(pieces) + " damaged pieces, silent in the mix");
  return out;
}

Result<Report> remix(const Job& job) {
  Report report;
  if (job.target_lufs) {
    auto parts = job.open();
    if (!parts) return parts.error();
    Mixer mixer(std::move(*parts), 0);
    recorder::SoundMeter meter;
    const auto measured = run(mixer, job, 0, 0.5, [&](std::span<const float> pcm) {
      meter.add(pcm);
      return Status(Done{});
    });
    if (!measured) return measured.error();
    report.before_lufs = meter.result().lufs;
    if (report.before_lufs)
      report.gain_db = std::clamp(*job.target_lufs - *report.before_lufs, -kMaxGain, kMaxGain);
  }
  auto parts = job.open();
  if (!parts) return parts.error();
  Mixer mixer(std::move(*parts), report.gain_db);
  auto encoder = FileEncoder::open(job.output, job.format, job.title);
  if (!encoder) return encoder.error();
  recorder::SoundMeter meter;
  const double from = job.target_lufs ? 0.5 : 0;
  const auto mixed = run(mixer, job, from, 1 - from, [&](std::span<const float> pcm) {
    if (job.target_lufs) meter.add(pcm);
    report.samples += pcm.size();
    return pcm.empty() ? Status(Done{}) : (*encoder)->write(pcm);
  });
  if (!mixed) return mixed.error();
  if (report.samples == 0) return Error{"there is no sound in it"};
  if (auto finished = (*encoder)->finish(); !finished) return finished.error();
  report.loudness = meter.result();
  report.damages = mixer.damages();
  return report;
}

}  // namespace parley::remix
