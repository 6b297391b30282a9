#include "pipelines/media/celt_level.hpp"

#include <opus.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <numbers>

#include "pipelines/media/range_decoder.hpp"

namespace parley::media {

namespace {

constexpr std::size_t kBands = CeltLevel::kBands;

// Numbers of RFC 6716, appendix A (the reference decoder is the normative part of the standard).
// Band edges in units of 200 Hz (section 4.3, table 55).
constexpr std::array<int, kBands + 1> kEdges = {0,  1,  2,  3,  4,  5,  6,  7,  8,  10, 12,
                                                14, 16, 20, 24, 28, 34, 40, 48, 60, 78, 100};
constexpr std::array<float, kBands> kMeans = {6.4375F, 6.25F,  5.75F,   5.3125F, 5.0625F, 4.8125F, 4.5F,
                                              4.375F,  4.875F, 4.6875F, 4.5625F, 4.4375F, 4.875F,  4.625F,
                                              4.3125F, 4.5F,   4.375F,  4.625F,  4.75F,   4.4375F, 3.75F};
// By frame size, 2.5 to 20 ms: prediction from the frame before, and from the band below.
constexpr std::array<float, 4> kFromBefore = {29'440.0F / 32'768, 26'112.0F / 32'768, 21'248.0F / 32'768,
                                              16'384.0F / 32'768};
constexpr std::array<float, 4> kFromBelow = {30'147.0F / 32'768, 22'282.0F / 32'768, 12'124.0F / 32'768,
                                             6'554.0F / 32'768};
constexpr float kFromBelowIntra = 4'915.0F / 32'768;

// Probability of zero and decay of each band's Laplace distribution, of 256; by frame size, inter then intra.
constexpr std::uint8_t kModels[4][2][2 * kBands] = {
    {{72, 127, 65, 129, 66, 128, 65, 128, 64, 128, 62, 128, 64, 128, 64, 128, 92, 78,  92, 79,  92,
      78, 90,  79, 116, 41, 115, 40, 114, 40, 132, 26, 132, 26, 145, 17, 161, 12, 176, 10, 177, 11},
     {24, 179, 48, 138, 54, 135, 54, 132, 53, 134, 56, 133, 55, 132, 55, 132, 61, 114, 70, 96, 74,
      88, 75,  88, 87,  74, 89,  66, 91,  67, 100, 59, 108, 50, 120, 40, 122, 37, 97,  43, 78, 50}},
    {{83, 78,  84, 81,  88, 75,  86, 74,  87, 71,  90, 73,  93, 74,  93, 74,  109, 40,  114, 36,  117,
      34, 117, 34, 143, 17, 145, 18, 146, 19, 162, 12, 165, 10, 178, 7,  189, 6,   190, 8,   177, 9},
     {23, 178, 54, 115, 63, 102, 66, 98,  69, 99,  74, 89,  71, 91,  73, 91,  78, 89, 86, 80, 92,
      66, 93,  64, 102, 59, 103, 60, 104, 60, 117, 52, 123, 44, 138, 35, 133, 31, 97, 38, 77, 45}},
    {{61, 90,  93, 60,  105, 42,  107, 41,  110, 45,  116, 38,  113, 38,  112, 38,  124, 26,  132, 27,  136,
      19, 140, 20, 155, 14,  159, 16,  158, 18,  170, 13,  177, 10,  187, 8,   192, 6,   175, 9,   159, 10},
     {21, 178, 59, 110, 71, 86,  75, 85,  84, 83,  91, 66,  88, 73,  87, 72,  92, 75, 98, 72, 105,
      58, 107, 54, 115, 52, 114, 55, 112, 56, 129, 51, 132, 40, 150, 33, 140, 29, 98, 35, 77, 42}},
    {{42, 121, 96, 66,  108, 43,  111, 40,  117, 44,  123, 32,  120, 36,  119, 33,  127, 33,  134, 34,  139,
      21, 147, 23, 152, 20,  158, 25,  154, 26,  166, 21,  173, 16,  184, 13,  184, 10,  150, 13,  139, 15},
     {22, 178, 63, 114, 74, 82,  84, 83,  92, 82,  103, 62,  96, 72,  96, 67,  101, 73, 107, 72, 113,
      55, 118, 52, 125, 52, 118, 52, 117, 55, 135, 49,  137, 39, 157, 32, 145, 29,  97, 33,  77, 40}},
};
// The sum of a frame's weighted energies at 0 dBFS RMS, in dB: measured, the same for all frame sizes within
// 0.4 dB.
constexpr float kFullScale = 93.7F;

constexpr std::uint8_t kSmallValues[] = {2, 1, 0};
constexpr std::uint8_t kTapsets[] = {2, 1, 0};

// The energies are those of the signal behind the pre-emphasis filter 1 - 0.85 z^-1 (section 4.3.8 undoes
// it): the weight of a band is its mean energy times the mean of the inverse filter over the band.
std::array<float, kBands> band_weights() {
  std::array<float, kBands> weights{};
  for (std::size_t band = 0; band < kBands; ++band) {
    double gain = 0.0;
    constexpr int kSteps = 16;
    for (int step = 0; step < kSteps; ++step) {
      const double share = (step + 0.5) / kSteps;
      const double hertz = 200.0 * (kEdges[band] + share * (kEdges[band + 1] - kEdges[band]));
      const double omega = 2.0 * std::numbers::pi * hertz / 48'000.0;
      gain += 1.0 / (1.0 + 0.85 * 0.85 - 2.0 * 0.85 * std::cos(omega));
    }
    weights[band] = static_cast<float>(std::exp2(2.0 * static_cast<double>(kMeans[band])) * gain / kSteps);
  }
  return weights;
}

// 2^x within 6 % (0.3 dB), for |x| below 126: the exponent and a linear mantissa, in the bits of a float.
float power_of_two(float x) {
  return std::bit_cast<float>(static_cast<std::int32_t>((x + 126.957F) * 8'388'608.0F));
}

int coarse_difference(RangeDecoder& decoder, const std::uint8_t* model, std::size_t band) {
  const int left = decoder.bits_left();
  if (left >= 15) {
    const std::size_t pair = 2 * std::min<std::size_t>(band, kBands - 1);
    return decoder.laplace(std::uint32_t{model[pair]} << 7, std::uint32_t{model[pair + 1]} << 6);
  }
  if (left >= 2) {
    const int folded = decoder.symbol(kSmallValues, 2);
    return (folded >> 1) ^ -(folded & 1);
  }
  return left >= 1 && !decoder.bit(1) ? 0 : -1;
}

// The energies are those before the pitch post-filter (section 4.3.7.1), which raises harmonics by 1 / (1 -
// gain) where they meet its pitch. How well they do is not known: returns half of it in dB, wrong by 5 dB at
// most for a voice.
float post_filter(RangeDecoder& decoder) {
  if (decoder.bits_left() < 16 || !decoder.bit(1)) return 1.0F;
  const std::uint32_t octave = decoder.uniform(6);
  decoder.raw(4 + static_cast<int>(octave));
  const float gain = 0.09375F * static_cast<float>(decoder.raw(3) + 1);
  if (decoder.bits_left() >= 2) decoder.symbol(kTapsets, 2);
  return 1.0F / (1.0F - gain);
}

std::size_t bands_of(unsigned config) {
  constexpr std::array<std::size_t, 4> kCoded = {13, 17, 19,
                                                 21};  // narrowband, wideband, superwideband, fullband
  return kCoded[(config - 16) / 4];
}

}  // namespace

float CeltLevel::read(Bytes payload) {
  std::array<const unsigned char*, 48> frames{};
  std::array<opus_int16, 48> sizes{};
  unsigned char toc = 0;
  if (payload.empty()) return kSilence;
  const int count = opus_packet_parse(payload.data(), static_cast<opus_int32>(payload.size()), &toc,
                                      frames.data(), sizes.data(), nullptr);
  const unsigned config = toc >> 3;
  if (count <= 0 || config < 16) return kSilence;
  float energy = 0.0F;
  for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
    if (sizes[i] < 2) continue;
    energy += read_frame({frames[i], static_cast<std::size_t>(sizes[i])}, config, (toc & 4) != 0);
  }
  energy /= static_cast<float>(count);
  return energy > 0.0F ? std::max(kSilence, 10.0F * std::log10(energy) - kFullScale) : kSilence;
}

// Section 4.3, table 56: silence, post-filter, transient, intra, coarse energy. Returns the energy per
// sample.
float CeltLevel::read_frame(Bytes frame, unsigned config, bool stereo) {
  static const std::array<float, kBands> kWeights = band_weights();
  RangeDecoder decoder(frame);
  if (decoder.bit(15)) {
    for (Energies& channel : energies_) channel.fill(-28.0F);
    return 0.0F;
  }
  const float raised = post_filter(decoder);
  const unsigned size = config & 3U;
  if (size > 0 && decoder.bits_left() >= 3) decoder.bit(3);
  const bool intra = decoder.bits_left() >= 3 && decoder.bit(3);

  const std::uint8_t* model = kModels[size][intra ? 1 : 0];
  const float from_before = intra ? 0.0F : kFromBefore[size];
  const float from_below = intra ? kFromBelowIntra : kFromBelow[size];
  const std::size_t channels = stereo ? 2 : 1;
  if (!stereo) std::ranges::transform(energies_[0], energies_[1], energies_[0].begin(), std::ranges::max);
  std::array<float, 2> below{};
  float sum = 0.0F;
  for (std::size_t band = 0; band < bands_of(config); ++band) {
    for (std::size_t c = 0; c < channels; ++c) {
      const auto difference = static_cast<float>(coarse_difference(decoder, model, band));
      float& energy = energies_[c][band];
      energy = std::clamp(from_before * std::max(-9.0F, energy) + below[c] + difference, -28.0F, 28.0F);
      below[c] += (1.0F - from_below) * difference;
      sum += kWeights[band] * power_of_two(2.0F * energy);
    }
  }
  if (!stereo) energies_[1] = energies_[0];
  return sum * raised / static_cast<float>(channels);
}

}  // namespace parley::media
