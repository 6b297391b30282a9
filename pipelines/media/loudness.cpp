#include "pipelines/media/loudness.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace parley::media {

namespace {

constexpr std::size_t kBlock = 4'800;  // 100 ms
constexpr std::size_t kBlocks = 30;    // 3 s
constexpr std::size_t kMomentary = 4;
constexpr double kGateLufs = -50.0;
constexpr double kNothing = -70.0;
constexpr double kSane = 8.0;  // no decoder makes samples beyond this; rubbish must not stay in a filter

double lufs(double mean_square) {
  return -0.691 + 10.0 * std::log10(mean_square);  // BS.1770-4, equation 2, one channel of weight 1
}

// Transposed direct form II.
struct Biquad {
  double b0, b1, b2, a1, a2;
  double s1 = 0.0;
  double s2 = 0.0;

  double step(double x) {
    const double y = b0 * x + s1;
    s1 = b1 * x - a1 * y + s2;
    s2 = b2 * x - a2 * y;
    return y;
  }
  void flush() {  // denormal numbers cost a hundred times more than zeros
    if (std::abs(s1) < 1e-30) s1 = 0.0;
    if (std::abs(s2) < 1e-30) s2 = 0.0;
  }
};

}  // namespace

struct LoudnessMeter::State {
  // BS.1770-4 annex 1, tables 1 and 2: the K weighting at 48 kHz.
  Biquad shelf{1.53512485958697, -2.69169618940638, 1.19839281085285, -1.69065929318241, 0.73248077421585};
  Biquad high_pass{1.0, -2.0, 1.0, -1.99004745483398, 0.99007225036621};
  double energy = 0.0;  // of the block being filled
  std::size_t filled = 0;
  std::array<double, kBlocks> blocks{};  // mean squares that passed the gate
  std::size_t next = 0;
  std::uint64_t counted = 0;

  double mean(std::size_t blocks_back) const {
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(counted, blocks_back));
    if (count == 0) return kNothing;
    double sum = 0.0;
    for (std::size_t i = 1; i <= count; ++i) sum += blocks[(next + kBlocks - i) % kBlocks];
    return lufs(sum / static_cast<double>(count));
  }
  void close_block() {
    const double mean_square = energy / static_cast<double>(kBlock);
    energy = 0.0;
    filled = 0;
    if (mean_square <= 0.0 || lufs(mean_square) < kGateLufs) return;
    blocks[next] = mean_square;
    next = (next + 1) % kBlocks;
    ++counted;
  }
};

LoudnessMeter::LoudnessMeter() : state_(std::make_unique<State>()) {}
LoudnessMeter::~LoudnessMeter() = default;

void LoudnessMeter::add(std::span<const float> samples, float applied_db) {
  State& s = *state_;
  const double undo = std::pow(10.0, -static_cast<double>(applied_db) / 20.0);
  while (!samples.empty()) {
    const auto part = samples.first(std::min(samples.size(), kBlock - s.filled));
    samples = samples.subspan(part.size());
    double energy = 0.0;
    for (const float sample : part) {
      const double sane = std::abs(sample) <= kSane ? static_cast<double>(sample) : 0.0;  // false for NaN
      const double weighted = s.high_pass.step(s.shelf.step(sane * undo));
      energy += weighted * weighted;
    }
    s.energy += energy;
    s.filled += part.size();
    if (s.filled == kBlock) s.close_block();
  }
  s.shelf.flush();
  s.high_pass.flush();
}

double LoudnessMeter::short_term_lufs() const {
  return state_->mean(kBlocks);
}

double LoudnessMeter::momentary_lufs() const {
  return state_->mean(kMomentary);
}

double LoudnessMeter::seconds_measured() const {
  return static_cast<double>(state_->counted) * static_cast<double>(kBlock) / 48'000.0;
}

AutoLevel::AutoLevel() : AutoLevel(Config{}) {}
AutoLevel::AutoLevel(const Config& config) : config_(config) {}

float AutoLevel::step(const LoudnessMeter& meter, double seconds, bool audible) {
  // A first judgement needs a few syllables.
  if (!audible || meter.seconds_measured() < 0.4) return gain_db();

  const double error = config_.target_lufs - meter.short_term_lufs();
  if (std::abs(error) > config_.dead_band) correcting_ = true;
  if (std::abs(error) < config_.dead_band - 1.0) correcting_ = false;

  const double wanted = correcting_ ? std::clamp(error, -config_.max_cut_db, config_.max_boost_db) : 0.0;
  // Speech rises and falls by a few LU from one sentence to the next: only a standing error sets the gain
  // moving, and it then goes all the way.
  const double distance = std::abs(wanted - gain_db_);
  if (distance > 1.5 || !correcting_) moving_ = true;
  if (moving_) {
    const double most = config_.db_per_second * seconds;
    gain_db_ = distance <= most ? wanted : gain_db_ + std::copysign(most, wanted - gain_db_);
    moving_ = gain_db_ != wanted;
  }
  return gain_db();
}

float AutoLevel::gain_db() const {
  return static_cast<float>(gain_db_);
}

}  // namespace parley::media
