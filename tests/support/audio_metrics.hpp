// Measures that tell the truth about sound in tests: tones by Goertzel, levels, log-spectral distance, clicks
// by second differences, delay by correlation. Mono float spans; results in dB, samples or ratios as named.
#pragma once

#include <complex>
#include <cstddef>
#include <span>
#include <vector>

namespace parley::test {

double to_db(double ratio);  // 20 log10, floor -200
double peak(std::span<const float> samples);
double rms(std::span<const float> samples);
double rms_dbfs(std::span<const float> samples);  // 1.0 constant is 0 dBFS

// Amplitude of the sine of `hz` in `samples` (1.0 for a full-scale sine). Hann-windowed, so that other tones
// further than a few bins away do not leak in.
double tone_amplitude(std::span<const float> samples, double hz, double rate = 48'000);
double tone_dbfs(std::span<const float> samples, double hz, double rate = 48'000);

// Total harmonic distortion plus noise of a lone tone: residual power after the tone's fit over total, as a
// ratio.
double thd_n(std::span<const float> samples, double hz, double rate = 48'000);

// In-place radix-2 FFT; the size is a power of two.
void fft(std::vector<std::complex<double>>& values);

// Log-spectral distance in dB per hop between two aligned signals (Hann frames of 1024, hop 480; bins from
// 100 Hz to 8 kHz, each floored `range_db` below the frame's strongest bin of the reference). Frames where
// the reference is below -60 dBFS are left out (NaN) unless the other one is loud.
struct LsdOptions {
  double low_hz = 100;
  double high_hz = 8'000;
  double range_db = 50;
  double silence_dbfs = -60;
  double rate = 48'000;
};
std::vector<double> lsd_frames(std::span<const float> reference, std::span<const float> test,
                               const LsdOptions& options = {});
double mean(std::span<const double> values);            // NaN values are skipped; NaN if none is left
double quantile(std::vector<double> values, double q);  // NaN values are skipped

// Click detector: the largest second difference of `test` over that of `reference` (the same sound
// undisturbed).
double jump_ratio(std::span<const float> reference, std::span<const float> test);
double largest_second_difference(std::span<const float> samples);

// Error energy of `test` against `reference` over the reference's energy, in dB.
double error_db(std::span<const float> reference, std::span<const float> test);

// The lag in samples (0..max_lag) by which `test` is behind `reference`, best normalised correlation; `score`
// is that correlation.
struct Delay {
  std::ptrdiff_t samples = 0;
  double score = 0;
};
Delay correlation_delay(std::span<const float> reference, std::span<const float> test, std::size_t max_lag);

// The delay of each `block` samples of the reference that are loud enough and found again (score above 0.8):
// what the listener hears late, piece by piece. `at` is the block's place in the reference.
struct BlockDelay {
  std::size_t at = 0;
  std::size_t samples = 0;
};
std::vector<BlockDelay> block_delays(std::span<const float> reference, std::span<const float> test,
                                     std::size_t block, std::size_t max_lag);

// Phase of the tone at `hz` per hop of `hop` samples, unwrapped, in samples at `rate`: a dropped or repeated
// piece shows as a step, drift as a slope.
std::vector<double> tone_phase(std::span<const float> samples, double hz, std::size_t hop,
                               double rate = 48'000);

// Runs of at least `run` samples at full scale (clipping).
std::size_t clipped_runs(std::span<const float> samples, std::size_t run = 3);

}  // namespace parley::test
