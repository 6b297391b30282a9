#include "tests/listen/wav.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <numbers>

namespace parley::listen {
namespace {

template <typename T>
T little(const std::vector<char>& bytes, std::size_t at) {
  T value{};
  if (at + sizeof(T) <= bytes.size()) std::memcpy(&value, bytes.data() + at, sizeof(T));
  return value;
}

}  // namespace

std::vector<float> resample(const std::vector<float>& in, double from_rate, double to_rate) {
  if (from_rate == to_rate) return in;
  constexpr int kHalfWidth = 24;
  constexpr int kPhases = 512;
  const double cutoff = std::min(1.0, to_rate / from_rate);
  // The windowed sinc, tabulated: the nearest of 512 phases is 66 dB exact, far better than the codecs it is
  // for.
  std::vector<double> kernel(static_cast<std::size_t>(2 * kHalfWidth * kPhases + 1));
  for (std::size_t i = 0; i < kernel.size(); ++i) {
    const double x = static_cast<double>(i) / kPhases - kHalfWidth;
    const double phase = std::numbers::pi * x * cutoff;
    const double sinc = std::abs(phase) < 1e-9 ? 1.0 : std::sin(phase) / phase;
    kernel[i] = cutoff * sinc * (0.5 + 0.5 * std::cos(std::numbers::pi * x / kHalfWidth));
  }
  const double step = from_rate / to_rate;
  const auto size = static_cast<std::ptrdiff_t>(in.size());
  std::vector<float> out(static_cast<std::size_t>(static_cast<double>(in.size()) / step));
  for (std::size_t n = 0; n < out.size(); ++n) {
    const double centre = static_cast<double>(n) * step;
    const auto base = static_cast<std::ptrdiff_t>(centre);
    double sum = 0;
    for (std::ptrdiff_t k = std::max<std::ptrdiff_t>(0, base - kHalfWidth + 1);
         k <= std::min(size - 1, base + kHalfWidth); ++k) {
      const double x = centre - static_cast<double>(k) + kHalfWidth;
      sum += in[static_cast<std::size_t>(k)] * kernel[static_cast<std::size_t>(x * kPhases + 0.5)];
    }
    out[n] = static_cast<float>(sum);
  }
  return out;
}

Result<std::vector<float>> read_wav(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return Error{path + ": cannot be opened"};
  const std::vector<char> bytes((std::istreambuf_iterator<char>(in)), {});
  if (bytes.size() < 12 || std::memcmp(bytes.data(), "RIFF", 4) != 0 ||
      std::memcmp(bytes.data() + 8, "WAVE", 4) != 0)
    return Error{path + ": not a WAV file"};
  unsigned channels = 0;
  unsigned rate = 0;
  for (std::size_t at = 12; at + 8 <= bytes.size();) {
    const std::size_t size = little<std::uint32_t>(bytes, at + 4);
    const std::size_t body = at + 8;
    if (std::memcmp(bytes.data() + at, "fmt ", 4) == 0) {
      channels = little<std::uint16_t>(bytes, body + 2);
      rate = little<std::uint32_t>(bytes, body + 4);
      if (little<std::uint16_t>(bytes, body) != 1 || little<std::uint16_t>(bytes, body + 14) != 16)
        return Error{path + ": not 16-bit PCM"};
    } else if (std::memcmp(bytes.data() + at, "data", 4) == 0) {
      if (channels == 0 || rate == 0) return Error{path + ": data before its format"};
      // A stream of unknown length says 0 or 0xffffffff: then all that is there counts.
      const std::size_t there = bytes.size() - body;
      const std::size_t used = size == 0 ? there : std::min(size, there);
      std::vector<float> mono(used / (2 * channels));
      for (std::size_t i = 0; i < mono.size(); ++i) {
        float sum = 0;
        for (unsigned c = 0; c < channels; ++c)
          sum += static_cast<float>(little<std::int16_t>(bytes, body + 2 * (i * channels + c))) / 32768.0F;
        mono[i] = sum / static_cast<float>(channels);
      }
      return resample(mono, rate, kRate);
    }
    at = body + size + (size & 1);
  }
  return Error{path + ": no audio in it"};
}

}  // namespace parley::listen
