#include "tests/support/audio_metrics.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <numbers>

namespace parley::test {
namespace {

constexpr double kTwoPi = 2 * std::numbers::pi;
constexpr std::size_t kFrame = 1'024;
constexpr std::size_t kHop = 480;

double hann(std::size_t i, std::size_t size) {
  return 0.5 - 0.5 * std::cos(kTwoPi * (static_cast<double>(i) + 0.5) / static_cast<double>(size));
}

std::complex<double> project(std::span<const float> samples, double hz, double rate, double first = 0) {
  std::complex<double> sum = 0;
  double weight = 0;
  const double step = kTwoPi * hz / rate;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const double w = hann(i, samples.size());
    sum += w * static_cast<double>(samples[i]) * std::polar(1.0, -step * (first + static_cast<double>(i)));
    weight += w;
  }
  return weight > 0 ? 2.0 * sum / weight : 0;
}

std::vector<double> power_spectrum(std::span<const float> frame) {
  std::vector<std::complex<double>> values(kFrame);
  for (std::size_t i = 0; i < frame.size(); ++i) values[i] = hann(i, kFrame) * static_cast<double>(frame[i]);
  fft(values);
  std::vector<double> power(kFrame / 2);
  for (std::size_t i = 0; i < power.size(); ++i) power[i] = std::norm(values[i]);
  return power;
}

double frame_distance(std::span<const float> reference, std::span<const float> test,
                      const LsdOptions& options) {
  const auto a = power_spectrum(reference);
  const auto b = power_spectrum(test);
  const double bin_hz = options.rate / kFrame;
  const auto low = static_cast<std::size_t>(options.low_hz / bin_hz);
  const auto high = std::min(a.size(), static_cast<std::size_t>(options.high_hz / bin_hz));
  double strongest = 1e-12;
  for (std::size_t i = low; i < high; ++i) strongest = std::max({strongest, a[i], b[i]});
  const double floor = strongest * std::pow(10.0, -options.range_db / 10);
  double sum = 0;
  for (std::size_t i = low; i < high; ++i) {
    const double d = 10 * std::log10(std::max(a[i], floor) / std::max(b[i], floor));
    sum += d * d;
  }
  return std::sqrt(sum / static_cast<double>(high - low));
}

constexpr std::size_t kDecimation = 6;

std::vector<float> decimate(std::span<const float> samples) {
  std::vector<float> out(samples.size() / kDecimation);
  for (std::size_t i = 0; i < out.size(); ++i)
    for (std::size_t j = 0; j < kDecimation; ++j) out[i] += samples[i * kDecimation + j] / kDecimation;
  return out;
}

struct Found {
  std::size_t at = 0;
  double score = -2;
};

// Where between `from` and `to` in `test` the piece lies.
Found direct_search(std::span<const float> piece, std::span<const float> test, std::size_t from,
                    std::size_t to) {
  Found best;
  float own = 1e-12F;
  for (const float s : piece) own += s * s;
  for (std::size_t lag = from; lag <= to; ++lag) {
    float dot = 0;
    float energy = 1e-12F;
    for (std::size_t i = 0; i < piece.size(); ++i) {
      dot += piece[i] * test[lag + i];
      energy += test[lag + i] * test[lag + i];
    }
    const double score = static_cast<double>(dot / std::sqrt(own * energy));
    if (score > best.score) best = {lag, score};
  }
  return best;
}

}  // namespace

double to_db(double ratio) {
  return ratio > 1e-10 ? 20 * std::log10(ratio) : -200;
}

double peak(std::span<const float> samples) {
  double top = 0;
  for (const float s : samples) top = std::max(top, std::abs(static_cast<double>(s)));
  return top;
}

double rms(std::span<const float> samples) {
  double sum = 0;
  for (const float s : samples) sum += static_cast<double>(s) * static_cast<double>(s);
  return samples.empty() ? 0 : std::sqrt(sum / static_cast<double>(samples.size()));
}

double rms_dbfs(std::span<const float> samples) {
  return to_db(rms(samples));
}

double tone_amplitude(std::span<const float> samples, double hz, double rate) {
  return std::abs(project(samples, hz, rate));
}

double tone_dbfs(std::span<const float> samples, double hz, double rate) {
  return to_db(tone_amplitude(samples, hz, rate));
}

double thd_n(std::span<const float> samples, double hz, double rate) {
  // Least squares fit of cosine, sine and constant over whole periods is close to orthogonal: two passes
  // suffice.
  std::vector<double> rest(samples.begin(), samples.end());
  const double step = kTwoPi * hz / rate;
  double total = 0;
  for (int pass = 0; pass < 3; ++pass) {
    double c = 0;
    double s = 0;
    double dc = 0;
    for (std::size_t i = 0; i < rest.size(); ++i) {
      c += rest[i] * std::cos(step * static_cast<double>(i));
      s += rest[i] * std::sin(step * static_cast<double>(i));
      dc += rest[i];
    }
    const auto n = static_cast<double>(rest.size());
    for (std::size_t i = 0; i < rest.size(); ++i) {
      rest[i] -= 2 * c / n * std::cos(step * static_cast<double>(i)) +
                 2 * s / n * std::sin(step * static_cast<double>(i)) + dc / n;
    }
  }
  double residual = 0;
  for (std::size_t i = 0; i < rest.size(); ++i) {
    residual += rest[i] * rest[i];
    total += static_cast<double>(samples[i]) * static_cast<double>(samples[i]);
  }
  return total > 0 ? std::sqrt(residual / total) : 0;
}

void fft(std::vector<std::complex<double>>& values) {
  const std::size_t n = values.size();
  for (std::size_t i = 1, j = 0; i < n; ++i) {
    std::size_t bit = n >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) std::swap(values[i], values[j]);
  }
  for (std::size_t length = 2; length <= n; length <<= 1) {
    const auto turn = std::polar(1.0, -kTwoPi / static_cast<double>(length));
    for (std::size_t i = 0; i < n; i += length) {
      std::complex<double> w = 1;
      for (std::size_t j = 0; j < length / 2; ++j, w *= turn) {
        const auto u = values[i + j];
        const auto v = values[i + j + length / 2] * w;
        values[i + j] = u + v;
        values[i + j + length / 2] = u - v;
      }
    }
  }
}

std::vector<double> lsd_frames(std::span<const float> reference, std::span<const float> test,
                               const LsdOptions& options) {
  std::vector<double> out;
  const std::size_t size = std::min(reference.size(), test.size());
  for (std::size_t at = 0; at + kFrame <= size; at += kHop) {
    const auto a = reference.subspan(at, kFrame);
    const auto b = test.subspan(at, kFrame);
    const bool silent = rms_dbfs(a) < options.silence_dbfs && rms_dbfs(b) < options.silence_dbfs + 6;
    out.push_back(silent ? std::numeric_limits<double>::quiet_NaN() : frame_distance(a, b, options));
  }
  return out;
}

double mean(std::span<const double> values) {
  double sum = 0;
  std::size_t count = 0;
  for (const double v : values) {
    if (std::isnan(v)) continue;
    sum += v;
    ++count;
  }
  return count == 0 ? std::numeric_limits<double>::quiet_NaN() : sum / static_cast<double>(count);
}

double quantile(std::vector<double> values, double q) {
  std::erase_if(values, [](double v) { return std::isnan(v); });
  if (values.empty()) return std::numeric_limits<double>::quiet_NaN();
  const auto at = static_cast<std::size_t>(q * static_cast<double>(values.size() - 1) + 0.5);
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(at), values.end());
  return values[at];
}

double largest_second_difference(std::span<const float> samples) {
  double top = 0;
  for (std::size_t i = 2; i < samples.size(); ++i) {
    const double d = static_cast<double>(samples[i]) - 2.0 * static_cast<double>(samples[i - 1]) +
                     static_cast<double>(samples[i - 2]);
    top = std::max(top, std::abs(d));
  }
  return top;
}

double jump_ratio(std::span<const float> reference, std::span<const float> test) {
  return largest_second_difference(test) / std::max(1e-9, largest_second_difference(reference));
}

double error_db(std::span<const float> reference, std::span<const float> test) {
  double error = 0;
  double energy = 1e-12;
  for (std::size_t i = 0; i < std::min(reference.size(), test.size()); ++i) {
    const double a = reference[i];
    const double e = static_cast<double>(test[i]) - a;
    error += e * e;
    energy += a * a;
  }
  return 10 * std::log10(std::max(1e-20, error / energy));
}

Delay correlation_delay(std::span<const float> reference, std::span<const float> test, std::size_t max_lag) {
  const std::size_t size = std::bit_ceil(std::max(reference.size(), test.size()) + max_lag + 1);
  std::vector<std::complex<double>> a(size);
  std::vector<std::complex<double>> b(size);
  for (std::size_t i = 0; i < reference.size(); ++i) a[i] = static_cast<double>(reference[i]);
  for (std::size_t i = 0; i < test.size(); ++i) b[i] = static_cast<double>(test[i]);
  fft(a);
  fft(b);
  // conj(conj(A) B) forward-transformed is the conjugate of the correlation, times the size.
  for (std::size_t i = 0; i < size; ++i) a[i] *= std::conj(b[i]);
  fft(a);
  std::vector<double> energy_a(reference.size() + 1);
  std::vector<double> energy_b(test.size() + 1);
  for (std::size_t i = 0; i < reference.size(); ++i)
    energy_a[i + 1] = energy_a[i] + static_cast<double>(reference[i]) * static_cast<double>(reference[i]);
  for (std::size_t i = 0; i < test.size(); ++i)
    energy_b[i + 1] = energy_b[i] + static_cast<double>(test[i]) * static_cast<double>(test[i]);
  Delay best;
  best.score = -2;
  for (std::size_t lag = 0; lag <= max_lag && lag < test.size(); ++lag) {
    const std::size_t overlap = std::min(reference.size(), test.size() - lag);
    const double norm = energy_a[overlap] * (energy_b[lag + overlap] - energy_b[lag]);
    if (norm <= 1e-18) continue;
    const double score = a[lag].real() / static_cast<double>(size) / std::sqrt(norm);
    if (score > best.score) best = {static_cast<std::ptrdiff_t>(lag), score};
  }
  return best;
}

std::vector<BlockDelay> block_delays(std::span<const float> reference, std::span<const float> test,
                                     std::size_t block, std::size_t max_lag) {
  // A coarse search on every sixth sample of a short average, then a fine one around its best lag.
  const auto coarse_reference = decimate(reference);
  const auto coarse_test = decimate(test);
  std::vector<BlockDelay> out;
  for (std::size_t at = 0;
       at + block + max_lag + kDecimation <= std::min(reference.size() + max_lag, test.size()); at += block) {
    const auto piece = reference.subspan(at, block);
    if (rms_dbfs(piece) < -45) continue;
    const auto small = std::span(coarse_reference).subspan(at / kDecimation, block / kDecimation);
    const auto there = std::span(coarse_test).subspan(at / kDecimation, (block + max_lag) / kDecimation);
    const std::size_t near = kDecimation * direct_search(small, there, 0, there.size() - small.size()).at;
    const std::size_t from = near > kDecimation ? near - kDecimation : 0;
    const auto wide = test.subspan(at, block + max_lag);
    const auto best = direct_search(piece, wide, from, std::min(near + kDecimation, max_lag));
    if (best.score > 0.8) out.push_back({at, best.at});
  }
  return out;
}

std::vector<double> tone_phase(std::span<const float> samples, double hz, std::size_t hop, double rate) {
  std::vector<double> out;
  double turns = 0;
  double last = 0;
  for (std::size_t at = 0; at + hop <= samples.size(); at += hop) {
    const double phase =
        std::arg(project(samples.subspan(at, hop), hz, rate, static_cast<double>(at))) / kTwoPi;
    if (!out.empty()) {
      if (phase - last > 0.5) turns -= 1;
      if (phase - last < -0.5) turns += 1;
    }
    last = phase;
    out.push_back((phase + turns) * rate / hz);
  }
  return out;
}

std::size_t clipped_runs(std::span<const float> samples, std::size_t run) {
  std::size_t runs = 0;
  std::size_t length = 0;
  for (const float s : samples) {
    length = std::abs(s) >= 0.999F ? length + 1 : 0;
    if (length == run) ++runs;
  }
  return runs;
}

}  // namespace parley::test
