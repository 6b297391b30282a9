// Reads what a test or the demo recorded: RIFF/WAVE with 16-bit PCM, mixed to mono and brought to 48 kHz.
#pragma once

#include <string>
#include <vector>

#include "transport/base/result.hpp"

namespace parley::listen {

inline constexpr double kRate = 48'000;

Result<std::vector<float>> read_wav(const std::string& path);
// Windowed-sinc interpolation; exact enough to correlate speech with what came out of a codec.
std::vector<float> resample(const std::vector<float>& in, double from_rate, double to_rate);

}  // namespace parley::listen
