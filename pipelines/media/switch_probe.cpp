#include "pipelines/media/switch_probe.hpp"

#include <opus/opus.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "transport/base/check.hpp"

namespace parley::media {

namespace {

constexpr float kPeakMargin = 1.06F;  // 0.5 dB
constexpr float kJumpMargin = 1.5F;
constexpr float kInaudible = 0.002F;  // -54 dBFS
constexpr float kFallen = 0.5F;       // by 6 dB from the loudest of the last ticks
constexpr float kNear = 0.5F;         // energy of the difference over that of the sound: -3 dB

std::size_t state_size() {
  static const auto size = static_cast<std::size_t>(opus_decoder_get_size(1));
  return size;
}

float peak(std::span<const float> pcm) {
  float largest = 0;
  for (const float sample : pcm) largest = std::max(largest, std::abs(sample));
  return largest;
}

float jump(std::span<const float> pcm) {
  float largest = 0;
  for (std::size_t i = 2; i < pcm.size(); ++i) {
    largest = std::max(largest, std::abs(pcm[i] - 2 * pcm[i - 1] + pcm[i - 2]));
  }
  return largest;
}

float energy(std::span<const float> pcm) {
  float sum = 0;
  for (const float sample : pcm) sum += sample * sample;
  return sum;
}

// The first half is where the decoder blends one stream into the other.
bool near(std::span<const float> pcm, std::span<const float> wanted) {
  float difference = 0;
  for (std::size_t i = pcm.size() / 2; i < pcm.size(); ++i)
    difference += (pcm[i] - wanted[i]) * (pcm[i] - wanted[i]);
  return difference <= kNear * energy(wanted.subspan(pcm.size() / 2));
}

}  // namespace

SwitchProbe::SwitchProbe(Duration tick) : samples_(static_cast<int>(tick * 48 / 1ms)) {
  for (auto& state : states_) state = std::make_unique<std::byte[]>(state_size());
  pcm_.resize(static_cast<std::size_t>(samples_));
  start();
}

void SwitchProbe::start() {
  const int result = opus_decoder_init(decoder(0), 48'000, 1);
  PARLEY_ASSERT(result == OPUS_OK);
  followed_ = 0;
}

void SwitchProbe::follow(Bytes packet) {
  const int samples = opus_decode_float(decoder(0), packet.empty() ? nullptr : packet.data(),
                                        static_cast<opus_int32>(packet.size()), pcm_.data(), samples_, 0);
  followed_ = samples == samples_ ? followed_ + 1 : 0;
}

bool SwitchProbe::inaudible(Bytes packet, std::span<const float> before, std::span<const float> now,
                            float loudest) {
  PARLEY_ASSERT(now.size() == pcm_.size());
  const float level = std::sqrt(energy(now) / static_cast<float>(now.size()));
  if (level > kFallen * loudest) return false;
  std::memcpy(states_[1].get(), states_[0].get(), state_size());
  const int samples = opus_decode_float(decoder(1), packet.data(), static_cast<opus_int32>(packet.size()),
                                        pcm_.data(), samples_, 0);
  if (samples != samples_) return false;
  const float highest = std::max({peak(before), peak(now), kInaudible});
  const float steepest = std::max({jump(before), jump(now), kInaudible});
  return near(pcm_, now) && peak(pcm_) <= kPeakMargin * highest && jump(pcm_) <= kJumpMargin * steepest;
}

}  // namespace parley::media
