#include "tests/support/opus_source.hpp"

#include <opus.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <memory>

namespace parley::test {
namespace {

template <auto destroy>
struct Destroy {
  template <typename T>
  void operator()(T* object) const {
    destroy(object);
  }
};
using Encoder = std::unique_ptr<OpusEncoder, Destroy<opus_encoder_destroy>>;
using Decoder = std::unique_ptr<OpusDecoder, Destroy<opus_decoder_destroy>>;
using Repacketizer = std::unique_ptr<OpusRepacketizer, Destroy<opus_repacketizer_destroy>>;

Encoder make_encoder(const OpusSourceConfig& config) {
  const int application = config.low_delay ? OPUS_APPLICATION_RESTRICTED_LOWDELAY : OPUS_APPLICATION_VOIP;
  Encoder encoder(opus_encoder_create(48'000, config.stereo ? 2 : 1, application, nullptr));
  opus_encoder_ctl(encoder.get(), OPUS_SET_BITRATE(config.bitrate));
  opus_encoder_ctl(encoder.get(), OPUS_SET_COMPLEXITY(config.complexity));
  opus_encoder_ctl(encoder.get(), OPUS_SET_DTX(config.dtx ? 1 : 0));
  opus_encoder_ctl(encoder.get(), OPUS_SET_INBAND_FEC(config.expected_loss > 0 ? 1 : 0));
  opus_encoder_ctl(encoder.get(), OPUS_SET_PACKET_LOSS_PERC(config.expected_loss));
  if (config.stereo) opus_encoder_ctl(encoder.get(), OPUS_SET_FORCE_CHANNELS(2));
  if (!config.low_delay) opus_encoder_ctl(encoder.get(), OPUS_SET_SIGNAL(OPUS_SIGNAL_VOICE));
  return encoder;
}

using Frame = std::vector<unsigned char>;

Frame encode_frame(OpusEncoder* encoder, std::span<const float> mono, bool stereo) {
  std::vector<float> samples(mono.begin(), mono.end());
  if (stereo) {
    samples.clear();
    for (const float s : mono) {
      samples.push_back(s);
      samples.push_back(0.7F * s);
    }
  }
  Frame frame(1'400);
  const int size = opus_encode_float(encoder, samples.data(), static_cast<int>(mono.size()), frame.data(),
                                     static_cast<opus_int32>(frame.size()));
  frame.resize(static_cast<std::size_t>(std::max(1, size)));
  return frame;
}

Frame pack(const std::vector<Frame>& frames) {
  if (frames.size() == 1) return frames.front();
  const Repacketizer packer(opus_repacketizer_create());
  for (const auto& frame : frames)
    opus_repacketizer_cat(packer.get(), frame.data(), static_cast<opus_int32>(frame.size()));
  Frame packet(MediaPacket::kMaxPayload);
  const int size = opus_repacketizer_out(packer.get(), packet.data(), static_cast<opus_int32>(packet.size()));
  packet.resize(static_cast<std::size_t>(std::max(0, size)));
  return packet;
}

std::uint8_t linear_to_mu_law(int value) {
  const int sign = value < 0 ? 0x80 : 0;
  const int magnitude = std::min(std::abs(value), 32'635) + 132;
  int exponent = 7;
  while (exponent > 0 && (magnitude >> (exponent + 7)) == 0) --exponent;
  return static_cast<std::uint8_t>(~(sign | exponent << 4 | (magnitude >> (exponent + 3) & 15)));
}

std::uint8_t linear_to_a_law(int value) {
  const int sign = value >= 0 ? 0x80 : 0;
  const int magnitude = std::min(std::abs(value), 32'767);
  int exponent = 7;
  while (exponent > 0 && (magnitude >> (exponent + 7)) == 0) --exponent;
  const int mantissa = magnitude >> (exponent == 0 ? 4 : exponent + 3) & 15;
  return static_cast<std::uint8_t>((sign | exponent << 4 | mantissa) ^ 0x55);
}

}  // namespace

std::vector<TimedPacket> opus_packets(std::span<const float> samples, const OpusSourceConfig& config) {
  const Encoder encoder = make_encoder(config);
  const auto frame = static_cast<std::size_t>(config.frame_us) * 48 / 1'000;
  const std::size_t step = frame * static_cast<std::size_t>(config.frames_per_packet);
  std::vector<TimedPacket> out;
  std::uint16_t sequence = config.first_sequence;
  bool was_dtx = false;
  bool was_silent = true;
  for (std::size_t at = 0; at + step <= samples.size(); at += step) {
    std::vector<Frame> frames;
    for (std::size_t i = 0; i < step; i += frame)
      frames.push_back(encode_frame(encoder.get(), samples.subspan(at + i, frame), config.stereo));
    const Frame payload = pack(frames);
    const bool dtx = config.dtx && payload.size() <= 2;
    const bool leave_out = dtx && was_dtx && !config.sends_every_dtx;
    was_dtx = dtx;
    if (leave_out) {
      was_silent = true;
      continue;
    }
    TimedPacket timed;
    timed.packet.ssrc = config.ssrc;
    timed.packet.sequence = sequence++;
    timed.packet.timestamp = config.first_timestamp + static_cast<std::uint32_t>(at);
    timed.packet.marker = was_silent;
    timed.packet.assign(payload);
    timed.sent = Duration(static_cast<std::int64_t>(at + step) * 1'000'000 / 48);
    was_silent = false;
    out.push_back(timed);
  }
  return out;
}

std::vector<TimedPacket> g711_packets(std::span<const float> samples, Codec codec, int frame_ms) {
  std::vector<TimedPacket> out;
  const auto step = static_cast<std::size_t>(frame_ms) * 48;
  std::uint16_t sequence = 65'500;
  for (std::size_t at = 0; at + step <= samples.size(); at += step) {
    TimedPacket timed;
    timed.packet.ssrc = 0x1234'5678;
    timed.packet.sequence = sequence++;
    timed.packet.timestamp = 0xffff'f000U + static_cast<std::uint32_t>(at / 6);
    Frame payload;
    for (std::size_t i = at; i < at + step; i += 6) {
      float sum = 0;
      for (std::size_t j = 0; j < 6; ++j) sum += samples[i + j];
      const int value = static_cast<int>(std::lround(std::clamp(sum / 6, -1.0F, 1.0F) * 32'767));
      payload.push_back(codec == Codec::pcmu ? linear_to_mu_law(value) : linear_to_a_law(value));
    }
    timed.packet.assign(payload);
    timed.sent = Duration(static_cast<std::int64_t>(at + step) * 1'000'000 / 48);
    out.push_back(timed);
  }
  return out;
}

std::vector<float> decode_all(std::span<const TimedPacket> packets) {
  const Decoder decoder(opus_decoder_create(48'000, 1, nullptr));
  std::vector<float> out;
  std::array<float, 5'760> frame{};
  for (const auto& [packet, sent] : packets) {
    const int samples = opus_decode_float(decoder.get(), packet.payload.data(), packet.size, frame.data(),
                                          static_cast<int>(frame.size()), 0);
    if (samples <= 0) continue;
    const auto at = packet.timestamp - packets.front().packet.timestamp;
    if (out.size() < at + static_cast<std::size_t>(samples))
      out.resize(at + static_cast<std::size_t>(samples));
    std::copy_n(frame.begin(), samples, out.begin() + at);
  }
  return out;
}

}  // namespace parley::test
