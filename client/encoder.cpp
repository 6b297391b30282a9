#include "client/encoder.hpp"

#include <opus/opus.h>

#include <algorithm>
#include <cmath>

#include "client/g711.hpp"

namespace parley::client {

namespace {

constexpr double kGainStepDb = 0.25;  // per packet: fast enough to help, too slow to be heard pumping
constexpr double kVoiceDbfs = -50;    // louder sound that Opus does not take for a pause counts as voice

std::size_t samples_of(Duration ptime) {
  return static_cast<std::size_t>(ptime.count() * 48 / 1'000'000);
}

double rms_dbfs(std::span<const float> pcm) {
  double energy = 0;
  for (const float sample : pcm) energy += static_cast<double>(sample) * sample;
  return 10 * std::log10(std::max(energy / static_cast<double>(pcm.size()), 1e-12));
}

// RFC 6464 section 3: -dBov, 127 for digital silence. dBov's reference is a full-scale square wave, 0 dBFS
// here.
std::uint8_t to_level(double dbfs) {
  return static_cast<std::uint8_t>(std::lrint(std::clamp(-dbfs, 0.0, 127.0)));
}

// Linear up to 0.8, then bent so that it approaches 1 without an edge.
float soften(float sample) {
  constexpr float kKnee = 0.8F;
  const float magnitude = std::abs(sample);
  if (magnitude <= kKnee) return sample;
  const float bent = kKnee + (1 - kKnee) * std::tanh((magnitude - kKnee) / (1 - kKnee));
  return std::copysign(bent, sample);
}

}  // namespace

void Encoder::OpusDestroy::operator()(OpusEncoder* encoder) const {
  opus_encoder_destroy(encoder);
}

Result<std::unique_ptr<Encoder>> Encoder::create(const EncoderConfig& config, const EncoderTuning& tuning) {
  OpusEncoder* opus = nullptr;
  if (config.codec == Codec::opus) {
    int error = OPUS_OK;
    opus = opus_encoder_create(48'000, 1, OPUS_APPLICATION_VOIP, &error);
    if (error != OPUS_OK) return Error{std::string("Opus encoder: ") + opus_strerror(error), error};
    opus_encoder_ctl(opus, OPUS_SET_COMPLEXITY(config.complexity));
    opus_encoder_ctl(opus, OPUS_SET_SIGNAL(OPUS_SIGNAL_VOICE));
    opus_encoder_ctl(opus, OPUS_SET_DTX(config.dtx ? 1 : 0));
    opus_encoder_ctl(opus, OPUS_SET_INBAND_FEC(config.fec ? 1 : 0));
  }
  return std::unique_ptr<Encoder>(new Encoder(config, tuning, opus));
}

Encoder::Encoder(const EncoderConfig& config, const EncoderTuning& tuning, OpusEncoder* opus)
    : config_(config), tuning_(tuning), wanted_(tuning), opus_(opus), gain_now_db_(tuning.gain_db) {
  pending_.reserve(2 * kMaxSamples);
  apply_tuning();
}

Encoder::~Encoder() = default;

void Encoder::tune(const EncoderTuning& tuning) {
  wanted_ = tuning;
}

void Encoder::apply_tuning() {
  tuning_ = wanted_;
  if (!opus_) return;
  opus_encoder_ctl(opus_.get(), OPUS_SET_BITRATE(tuning_.bitrate));
  opus_encoder_ctl(opus_.get(), OPUS_SET_PACKET_LOSS_PERC(config_.fec ? tuning_.expected_loss : 0));
}

void Encoder::push(std::span<const float> pcm, const Emit& emit) {
  pending_.insert(pending_.end(), pcm.begin(), pcm.end());
  std::size_t used = 0;
  for (;;) {
    if (!(wanted_ == tuning_)) apply_tuning();
    const std::size_t length = samples_of(tuning_.ptime);
    if (pending_.size() - used < length) break;
    const auto piece = std::span(pending_).subspan(used, length);
    const float from = static_cast<float>(std::pow(10.0, gain_now_db_ / 20));
    const float to = next_gain();
    for (std::size_t i = 0; i < length; ++i) {
      const float gain = from + (to - from) * static_cast<float>(i) / static_cast<float>(length);
      piece[i] = gain == 1.0F ? piece[i] : soften(piece[i] * gain);
    }
    encode(piece, emit);
    media_time_ += length;
    used += length;
  }
  pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(used));
}

void Encoder::skip(std::size_t samples) {
  media_time_ += pending_.size() + samples;
  pending_.clear();
  pausing_ = true;
  in_spurt_ = false;
  level_dbfs_ = -96;
}

float Encoder::next_gain() {
  gain_now_db_ += std::clamp(tuning_.gain_db - gain_now_db_, -kGainStepDb, kGainStepDb);
  return static_cast<float>(std::pow(10.0, gain_now_db_ / 20));
}

void Encoder::encode(std::span<const float> pcm, const Emit& emit) {
  level_dbfs_ = std::max(rms_dbfs(pcm), -96.0);
  const Bytes payload = config_.codec == Codec::opus ? encode_opus(pcm) : encode_g711(pcm);
  if (payload.empty()) return;
  // libopus says "need not be transmitted" by a packet of at most 2 bytes (opus_encode in opus.h).
  const bool pause = config_.codec == Codec::opus && payload.size() <= 2;
  if (pause && pausing_) return;

  EncodedPacket packet;
  packet.payload = payload;
  packet.media_time = media_time_;
  packet.level = to_level(rms_dbfs(pcm));
  packet.voice = !pause && level_dbfs_ > kVoiceDbfs;
  // The packets that refresh the comfort noise in a pause are no talk: they carry no marker.
  packet.marker = packet.voice && !in_spurt_;
  in_spurt_ = (in_spurt_ || packet.voice) && !pause;
  pausing_ = pause;
  emit(packet);
}

Bytes Encoder::encode_opus(std::span<const float> pcm) {
  const auto size = opus_encode_float(opus_.get(), pcm.data(), static_cast<int>(pcm.size()), packet_.data(),
                                      static_cast<opus_int32>(packet_.size()));
  return size > 0 ? Bytes(packet_).first(static_cast<std::size_t>(size)) : Bytes{};
}

Bytes Encoder::encode_g711(std::span<const float> pcm) {
  std::array<float, kMaxSamples / media::kResampleFactor> narrow;
  const auto samples = std::span(narrow).first(pcm.size() / media::kResampleFactor);
  decimator_.process(pcm, samples);
  const auto encode_sample = config_.codec == Codec::pcmu ? encode_ulaw : encode_alaw;
  std::transform(samples.begin(), samples.end(), packet_.begin(), encode_sample);
  return Bytes(packet_).first(samples.size());
}

}  // namespace parley::client
