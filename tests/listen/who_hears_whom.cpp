#include "tests/listen/who_hears_whom.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>

#include "tests/listen/wav.hpp"
#include "tests/support/audio_metrics.hpp"

namespace parley::listen {
namespace {

using Signal = std::vector<float>;

constexpr std::size_t kFrame = 480;  // 10 ms
constexpr double kLongestLag = 0.4;  // seconds
constexpr std::size_t kDecimation = 4;

// `voice` on the listener's time line, `delay` samples late, cut or padded to `length`.
Signal place(const Voice& voice, double listener_starts, std::ptrdiff_t delay, std::size_t length) {
  const auto offset =
      static_cast<std::ptrdiff_t>(std::llround((voice.starts - listener_starts) * kRate)) + delay;
  Signal out(length, 0.0F);
  for (std::size_t i = 0; i < voice.pcm.size(); ++i) {
    const auto at = static_cast<std::ptrdiff_t>(i) + offset;
    if (at >= 0 && at < static_cast<std::ptrdiff_t>(length)) out[static_cast<std::size_t>(at)] = voice.pcm[i];
  }
  return out;
}

double energy(const Signal& signal) {
  double sum = 0;
  for (const float s : signal) sum += static_cast<double>(s) * s;
  return sum;
}

double dot(const Signal& a, const Signal& b) {
  double sum = 0;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) sum += static_cast<double>(a[i]) * b[i];
  return sum;
}

// Cross-correlation heard[t] * said[t - lag] for lags 0 .. max_lag, by FFT, normalised by both energies.
std::vector<double> correlate(const Signal& said, const Signal& heard, std::size_t max_lag) {
  std::size_t size = 1;
  while (size < heard.size() + max_lag + 1) size *= 2;
  std::vector<std::complex<double>> a(size);
  std::vector<std::complex<double>> b(size);
  for (std::size_t i = 0; i < said.size(); ++i) a[i] = said[i];
  for (std::size_t i = 0; i < heard.size(); ++i) b[i] = heard[i];
  test::fft(a);
  test::fft(b);
  for (std::size_t i = 0; i < size; ++i) a[i] = std::conj(std::conj(a[i]) * b[i]);
  test::fft(a);  // the conjugate of a forward transform of conjugates is the inverse transform
  const double scale = std::sqrt(energy(said) * energy(heard)) * static_cast<double>(size);
  std::vector<double> out(max_lag + 1, 0.0);
  if (scale <= 0) return out;
  for (std::size_t lag = 0; lag <= max_lag; ++lag) out[lag] = a[lag].real() / scale;
  return out;
}

Signal decimate(const Signal& signal) {
  Signal out(signal.size() / kDecimation);
  for (std::size_t i = 0; i < out.size(); ++i)
    for (std::size_t k = 0; k < kDecimation; ++k)
      out[i] += signal[i * kDecimation + k] / static_cast<float>(kDecimation);
  return out;
}

struct Match {
  std::ptrdiff_t lag = 0;  // samples by which `heard` is behind `said`
  double correlation = 0;  // normalised, absolute
};

Match refine(const Signal& said, const Signal& heard, std::ptrdiff_t coarse) {
  const double scale = std::sqrt(energy(said) * energy(heard));
  Match match{coarse, 0};
  for (std::ptrdiff_t lag = std::max<std::ptrdiff_t>(0, coarse - 4); lag <= coarse + 4 && scale > 0; ++lag) {
    double sum = 0;
    const std::size_t end = std::min(heard.size(), said.size() + static_cast<std::size_t>(lag));
    for (auto t = static_cast<std::size_t>(lag); t < end; ++t)
      sum += static_cast<double>(heard[t]) * said[t - static_cast<std::size_t>(lag)];
    if (std::abs(sum) / scale > match.correlation) match = {lag, std::abs(sum) / scale};
  }
  return match;
}

// Searched at 12 kHz (speech is below 6), then refined sample by sample.
Match best_match(const Signal& said, const Signal& heard) {
  const auto max_lag = static_cast<std::size_t>(kLongestLag * kRate);
  const auto scores = correlate(decimate(said), decimate(heard), max_lag / kDecimation);
  const auto best = std::max_element(scores.begin(), scores.end(),
                                     [](double a, double b) { return std::abs(a) < std::abs(b); });
  const Match fine = refine(said, heard, (best - scores.begin()) * static_cast<std::ptrdiff_t>(kDecimation));
  return {fine.lag, std::max(fine.correlation, std::abs(*best))};
}

// A talker as it arrived: jitter buffers move the delay while a call goes on, so the lag is taken anew for
// each second (windows overlap by half and are faded into each other).
struct Arrived {
  Signal signal;
  std::vector<std::ptrdiff_t> lags;  // of the windows in which it was found
};

Arrived follow(const Signal& said, const Signal& heard, std::ptrdiff_t first_lag) {
  constexpr std::size_t kWindow = 48'000;
  constexpr std::size_t kHop = kWindow / 2;
  const auto room = static_cast<std::size_t>(kLongestLag * kRate);
  Arrived out{Signal(said.size(), 0.0F), {}};
  std::ptrdiff_t lag = first_lag;
  for (std::size_t begin = 0; begin < said.size(); begin += kHop) {
    const std::size_t length = std::min(kWindow, said.size() - begin);
    const Signal window(said.begin() + static_cast<std::ptrdiff_t>(begin),
                        said.begin() + static_cast<std::ptrdiff_t>(begin + length));
    if (begin < heard.size() && test::rms_dbfs(window) > -45) {
      const std::size_t end = std::min(heard.size(), begin + length + room);
      const Signal part(heard.begin() + static_cast<std::ptrdiff_t>(begin),
                        heard.begin() + static_cast<std::ptrdiff_t>(end));
      const Match match = best_match(window, part);
      if (match.correlation > 0.3) {
        lag = match.lag;
        out.lags.push_back(lag);
      }
    }
    for (std::size_t i = 0; i < length; ++i) {
      const auto at = static_cast<std::ptrdiff_t>(begin + i) + lag;
      const double phase = static_cast<double>(i) / kWindow;
      const double fade =
          begin == 0 && phase < 0.5 ? 1.0 : 0.5 - 0.5 * std::cos(2 * std::numbers::pi * phase);
      if (at < static_cast<std::ptrdiff_t>(out.signal.size()))
        out.signal[static_cast<std::size_t>(at)] += window[i] * static_cast<float>(fade);
    }
  }
  return out;
}

// Level of each 10 ms frame in dBFS.
std::vector<double> levels(const Signal& signal) {
  std::vector<double> out;
  for (std::size_t at = 0; at + kFrame <= signal.size(); at += kFrame)
    out.push_back(test::rms_dbfs(std::span<const float>(signal).subspan(at, kFrame)));
  return out;
}

// Least squares: the amplitudes of `parts` in `whole` (Gaussian elimination on the normal equations).
std::vector<double> amplitudes(const std::vector<Signal>& parts, const Signal& whole) {
  const std::size_t n = parts.size();
  std::vector<std::vector<double>> m(n, std::vector<double>(n + 1));
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j) m[i][j] = dot(parts[i], parts[j]);
    m[i][n] = dot(parts[i], whole);
  }
  for (std::size_t i = 0; i < n; ++i) {
    if (std::abs(m[i][i]) < 1e-12) continue;
    for (std::size_t r = 0; r < n; ++r) {
      if (r == i) continue;
      const double factor = m[r][i] / m[i][i];
      for (std::size_t c = i; c <= n; ++c) m[r][c] -= factor * m[i][c];
    }
  }
  std::vector<double> out(n, 0.0);
  for (std::size_t i = 0; i < n; ++i)
    if (std::abs(m[i][i]) > 1e-12) out[i] = m[i][n] / m[i][i];
  return out;
}

// Level of what is heard where `self` speaks alone, relative to what it says there.
double own_level_db(const Signal& self, const std::vector<Signal>& others, const Signal& heard,
                    std::ptrdiff_t delay) {
  constexpr std::size_t kClear =
      40;  // frames around: the others' tails, hang-overs and jitter have died away
  const auto own = levels(self);
  std::vector<bool> alone(own.size(), true);
  for (const auto& other : others) {
    const auto level = levels(other);
    for (std::size_t f = 0; f < level.size(); ++f) {
      if (level[f] < -65) continue;
      for (std::size_t near = f > kClear ? f - kClear : 0; near < std::min(alone.size(), f + kClear); ++near)
        alone[near] = false;
    }
  }
  double said = 0;
  double back = 0;
  const std::size_t shift = static_cast<std::size_t>(std::max<std::ptrdiff_t>(0, delay)) / kFrame * kFrame;
  for (std::size_t f = 0; f < own.size(); ++f) {
    if (!alone[f] || own[f] < -40) continue;
    for (std::size_t at = f * kFrame; at < (f + 1) * kFrame && at + shift < heard.size(); ++at) {
      said += static_cast<double>(self[at]) * self[at];
      back += static_cast<double>(heard[at + shift]) * heard[at + shift];
    }
  }
  if (said <= 0) return 200;  // never alone: nothing was shown, which is a failure
  return 10 * std::log10(std::max(back / said, 1e-20));
}

double largest_gap_ms(const Signal& ideal, const Signal& heard) {
  const auto wanted = levels(ideal);
  const auto got = levels(heard);
  std::size_t longest = 0;
  std::size_t run = 0;
  for (std::size_t f = 0; f < std::min(wanted.size(), got.size()); ++f) {
    run = wanted[f] > -35 && got[f] < -65 ? run + 1 : 0;
    longest = std::max(longest, run);
  }
  return static_cast<double>(longest) * 10;
}

Ear judge(const std::vector<Voice>& said, const Voice& heard, const Limits& limits) {
  const std::size_t length = heard.pcm.size();
  Ear ear;
  ear.listener = heard.name;
  std::vector<Signal> others;
  Signal ideal(length, 0.0F);
  std::ptrdiff_t delay_sum = 0;
  for (const auto& voice : said) {
    Cell cell;
    cell.listener = heard.name;
    cell.talker = voice.name;
    cell.self = voice.name == heard.name;
    const Signal said_here = place(voice, heard.starts, 0, length);
    const Match match = best_match(said_here, heard.pcm);
    cell.correlation = match.correlation;
    if (!cell.self) {
      auto arrived = follow(said_here, heard.pcm, match.lag);
      auto lags = arrived.lags;
      if (lags.empty()) lags.push_back(match.lag);
      std::sort(lags.begin(), lags.end());
      const std::ptrdiff_t median = lags[lags.size() / 2];
      cell.delay_ms = static_cast<double>(median) / kRate * 1000;
      cell.longest_delay_ms = static_cast<double>(lags.back()) / kRate * 1000;
      delay_sum += median;
      others.push_back(std::move(arrived.signal));
      for (std::size_t i = 0; i < length; ++i) ideal[i] += others.back()[i];
    }
    ear.cells.push_back(cell);
  }
  const double scale = std::sqrt(energy(ideal) * energy(heard.pcm));
  ear.mix_correlation = scale > 0 ? dot(ideal, heard.pcm) / scale : 0;
  ear.largest_gap_ms = largest_gap_ms(ideal, heard.pcm);
  ear.ok = ear.mix_correlation >= limits.mix_correlation && ear.largest_gap_ms <= limits.largest_gap_ms;

  const auto gains = amplitudes(others, heard.pcm);
  std::size_t next = 0;
  for (auto& cell : ear.cells) {
    if (cell.self) {
      const auto self =
          std::find_if(said.begin(), said.end(), [&](const Voice& v) { return v.name == cell.talker; });
      const auto delay = others.empty() ? 0 : delay_sum / static_cast<std::ptrdiff_t>(others.size());
      std::vector<Signal> undelayed;
      for (const auto& voice : said)
        if (voice.name != cell.talker) undelayed.push_back(place(voice, heard.starts, 0, length));
      cell.level_db = own_level_db(place(*self, heard.starts, 0, length), undelayed, heard.pcm, delay);
      cell.ok = cell.level_db <= limits.absent_level_db && cell.correlation <= limits.absent_correlation;
    } else {
      cell.level_db = test::to_db(std::abs(gains[next++]));
      cell.ok = cell.level_db > -15 && cell.level_db < 25 && cell.delay_ms <= limits.largest_delay_ms;
    }
    ear.ok = ear.ok && cell.ok;
  }
  return ear;
}

}  // namespace

std::vector<Ear> who_hears_whom(const std::vector<Voice>& said, const std::vector<Voice>& heard,
                                const Limits& limits) {
  std::vector<Ear> ears;
  for (const auto& ear : heard) ears.push_back(judge(said, ear, limits));
  return ears;
}

std::string table(const std::vector<Ear>& ears) {
  std::string out = fmt::format("{:<12}", "hears:");
  if (ears.empty()) return out;
  for (const auto& cell : ears.front().cells) out += fmt::format("{:>30}", cell.talker);
  out += fmt::format("{:>12}{:>14}\n", "mix corr.", "largest gap");
  for (const auto& ear : ears) {
    out += fmt::format("{:<12}", ear.listener);
    for (const auto& cell : ear.cells) {
      const auto text = cell.self ? (cell.level_db <= -100 ? std::string("(self) silence")
                                                           : fmt::format("(self) {:.0f} dB", cell.level_db))
                                  : fmt::format("{:+.1f} dB {:.0f} ms (max {:.0f})", cell.level_db,
                                                cell.delay_ms, cell.longest_delay_ms);
      out += fmt::format("{:>26} {:<3}", text, cell.ok ? "ok" : "BAD");
    }
    out += fmt::format("{:>12.3f}{:>11.0f} ms {}\n", ear.mix_correlation, ear.largest_gap_ms,
                       ear.ok ? "" : "BAD");
  }
  return out;
}

}  // namespace parley::listen
