// From samples to RTP payloads: gain, level, packets of the wanted length, Opus or G.711.
//
// Shapes and units: mono float at 48 kHz, any length; media time in 48 kHz samples.
// Threads: one owner (the capture thread).
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "pipelines/media/resample.hpp"
#include "transport/base/bytes.hpp"
#include "transport/base/media_packet.hpp"
#include "transport/base/result.hpp"
#include "transport/base/time.hpp"

struct OpusEncoder;

namespace parley::client {

struct EncoderConfig {
  Codec codec = Codec::opus;
  int complexity = 7;
  bool dtx = true;
  bool fec = true;
};

// What may change from packet to packet.
struct EncoderTuning {
  int bitrate = 32'000;
  int expected_loss = 10;  // percent
  Duration ptime = 20ms;   // 10, 20, 40 or 60 ms
  double gain_db = 0;
  friend bool operator==(const EncoderTuning&, const EncoderTuning&) = default;
};

struct EncodedPacket {
  Bytes payload;  // valid during the callback
  std::uint64_t media_time = 0;
  std::uint8_t level = 127;  // RFC 6464
  bool voice = false;
  bool marker = false;  // the first packet after silence (RFC 3551 section 4.1)
};

class Encoder {
 public:
  using Emit = std::function<void(const EncodedPacket&)>;

  static Result<std::unique_ptr<Encoder>> create(const EncoderConfig& config, const EncoderTuning& tuning);
  ~Encoder();
  Encoder(const Encoder&) = delete;
  Encoder& operator=(const Encoder&) = delete;

  // Takes effect with the next packet; the gain moves there smoothly.
  void tune(const EncoderTuning& tuning);
  // Silence of DTX gives no packet, except the first of a pause, which tells the decoder that it begins.
  void push(std::span<const float> pcm, const Emit& emit);
  // Sound that is not sent (muted, not connected): time goes on, nothing comes out.
  void skip(std::size_t samples);

  double level_dbfs() const { return level_dbfs_; }  // RMS of the last packet's sound, after the gain

 private:
  struct OpusDestroy {
    void operator()(OpusEncoder* encoder) const;
  };
  static constexpr std::size_t kMaxSamples = 60 * 48;

  Encoder(const EncoderConfig& config, const EncoderTuning& tuning, OpusEncoder* opus);
  void apply_tuning();
  float next_gain();
  void encode(std::span<const float> pcm, const Emit& emit);
  Bytes encode_opus(std::span<const float> pcm);
  Bytes encode_g711(std::span<const float> pcm);

  const EncoderConfig config_;
  EncoderTuning tuning_, wanted_;
  std::unique_ptr<OpusEncoder, OpusDestroy> opus_;
  media::Decimator decimator_;
  std::vector<float> pending_;
  std::array<std::uint8_t, MediaPacket::kMaxPayload> packet_{};
  std::uint64_t media_time_ = 0;  // of pending_'s first sample
  double gain_now_db_ = 0;
  double level_dbfs_ = -96;
  bool pausing_ = true;    // the last packet was one of DTX
  bool in_spurt_ = false;  // the marker of this spurt of talk has been sent
};

}  // namespace parley::client
