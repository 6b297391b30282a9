// The level read from CELT packets against what libopus decodes of them.
#include "pipelines/media/celt_level.hpp"

#include <gtest/gtest.h>
#include <opus.h>

#include <cmath>
#include <memory>
#include <numbers>
#include <random>
#include <string>
#include <vector>

namespace parley::media {
namespace {

using Payload = std::vector<std::uint8_t>;

struct Destroy {
  void operator()(OpusEncoder* encoder) const { opus_encoder_destroy(encoder); }
  void operator()(OpusDecoder* decoder) const { opus_decoder_destroy(decoder); }
};

struct Format {
  int channels = 1;
  int frame = 960;
  int bitrate = 40'000;
  bool vbr = true;
  int bandwidth = OPUS_BANDWIDTH_FULLBAND;
};

// Encodes and decodes side by side; the level of each decoded packet is the truth.
class Codec {
 public:
  explicit Codec(const Format& format) : format_(format) {
    int error = 0;
    encoder_.reset(
        opus_encoder_create(48'000, format.channels, OPUS_APPLICATION_RESTRICTED_LOWDELAY, &error));
    decoder_.reset(opus_decoder_create(48'000, 1, &error));
    opus_encoder_ctl(encoder_.get(), OPUS_SET_BITRATE(format.bitrate));
    opus_encoder_ctl(encoder_.get(), OPUS_SET_VBR(format.vbr ? 1 : 0));
    opus_encoder_ctl(encoder_.get(), OPUS_SET_BANDWIDTH(format.bandwidth));
    opus_encoder_ctl(encoder_.get(), OPUS_SET_COMPLEXITY(7));
  }
  Payload encode(const std::vector<float>& mono) {
    std::vector<float> samples;
    for (const float sample : mono)
      samples.insert(samples.end(), static_cast<std::size_t>(format_.channels), sample);
    Payload payload(1'500);
    payload.resize(
        static_cast<std::size_t>(opus_encode_float(encoder_.get(), samples.data(), format_.frame,
                                                   payload.data(), static_cast<opus_int32>(payload.size()))));
    return payload;
  }
  double decode(const Payload& payload) {
    std::vector<float> out(5'760);
    const int count = opus_decode_float(decoder_.get(), payload.data(),
                                        static_cast<opus_int32>(payload.size()), out.data(), 5'760, 0);
    double energy = 0.0;
    for (int i = 0; i < count; ++i) energy += static_cast<double>(out[i]) * static_cast<double>(out[i]);
    return 10.0 * std::log10(energy / count + 1e-13);
  }

 private:
  Format format_;
  std::unique_ptr<OpusEncoder, Destroy> encoder_;
  std::unique_ptr<OpusDecoder, Destroy> decoder_;
};

// Noise, or a voiced sound, whose level swings between -65 and -15 dBFS.
class Source {
 public:
  explicit Source(bool voiced) : voiced_(voiced) {}
  std::vector<float> next(int count) {
    std::vector<float> samples(static_cast<std::size_t>(count));
    for (float& sample : samples) {
      const double t = static_cast<double>(at_++) / 48'000.0;
      const double gain = std::pow(10.0, (-40.0 + 25.0 * std::sin(2.0 * std::numbers::pi * 0.7 * t)) / 20.0);
      phase_ += 2.0 * std::numbers::pi * (180.0 + 80.0 * std::sin(3.0 * t)) / 48'000.0;
      colour_ = 0.95 * colour_ + 0.312 * noise_(random_);
      double tone = 0.0;
      for (int harmonic = 1; harmonic < 8; ++harmonic) tone += std::sin(harmonic * phase_) / harmonic;
      sample = static_cast<float>(gain * (voiced_ ? tone : colour_));
    }
    return samples;
  }

 private:
  bool voiced_;
  std::size_t at_ = 0;
  double phase_ = 0.0;
  double colour_ = 0.0;
  std::mt19937 random_{1};
  std::normal_distribution<double> noise_{0.0, 1.0};
};

struct Error {
  double mean = 0.0;
  double spread = 0.0;
};

Error error_of(const Format& format, bool voiced) {
  Codec codec(format);
  Source source(voiced);
  CeltLevel level;
  double sum = 0.0, squares = 0.0;
  int count = 0;
  for (int packet = 0; packet < 3 * 48'000 / format.frame / 2; ++packet) {
    const Payload payload = codec.encode(source.next(format.frame));
    const double read = level.read(payload);
    const double truth = codec.decode(payload);
    if (packet * format.frame < 9'600 || truth < -70.0) continue;
    sum += read - truth;
    squares += (read - truth) * (read - truth);
    ++count;
  }
  const double mean = sum / count;
  return {mean, std::sqrt(squares / count - mean * mean)};
}

TEST(CeltLevel, IsWhatADecoderMakesOfThePacket) {
  for (const int channels : {1, 2}) {
    for (const int frame : {120, 240, 480, 960}) {
      for (const int bitrate : {24'000, 96'000}) {
        for (const bool vbr : {true, false}) {
          for (const bool voiced : {true, false}) {
            const Error error = error_of({channels, frame, bitrate, vbr, OPUS_BANDWIDTH_FULLBAND}, voiced);
            const std::string what = std::to_string(channels) + " channels, frame " + std::to_string(frame) +
                                     ", " + std::to_string(bitrate) + (vbr ? " VBR" : " CBR") +
                                     (voiced ? " voiced" : "");
            // The gain of the pitch filter is known, how well the pitch is met is not. Frames shorter than a
            // period of the voice swing by themselves, and the decoder overlaps them.
            EXPECT_NEAR(error.mean, 0.0, voiced ? 5.0 : 1.0) << what;
            EXPECT_LE(error.spread, frame >= 480 ? (voiced ? 5.5 : 1.5) : 8.0) << what;
          }
        }
      }
    }
  }
}

TEST(CeltLevel, InEveryBandwidth) {
  for (const int bandwidth : {OPUS_BANDWIDTH_NARROWBAND, OPUS_BANDWIDTH_WIDEBAND,
                              OPUS_BANDWIDTH_SUPERWIDEBAND, OPUS_BANDWIDTH_FULLBAND}) {
    const Error error = error_of({1, 960, 32'000, true, bandwidth}, false);
    EXPECT_NEAR(error.mean, 0.0, 1.0) << bandwidth;
    EXPECT_LE(error.spread, 1.5) << bandwidth;
  }
}

TEST(CeltLevel, RecoversWithinFiveFramesAfterALossOrAStartMidstream) {
  Codec codec({});
  Source source(false);
  CeltLevel level;
  for (int packet = 0; packet < 200; ++packet) {
    const Payload payload = codec.encode(source.next(960));
    const double truth = codec.decode(payload);
    if (packet % 50 >= 10 && packet % 50 < 15) continue;  // lost on the way to the reader
    const double read = level.read(payload);
    if (packet < 3 || (packet % 50 >= 10 && packet % 50 < 20)) continue;
    if (truth > -60.0) {
      EXPECT_NEAR(read, truth, 5.0) << packet;
    }
  }
  for (int start = 5; start < 50; start += 5) {
    Codec another({});
    Source again(false);
    CeltLevel late;
    for (int packet = 0; packet < start + 6; ++packet) {
      const Payload payload = another.encode(again.next(960));
      const double truth = another.decode(payload);
      if (packet < start) continue;
      const double read = late.read(payload);
      if (packet >= start + 5 && truth > -60.0) {
        EXPECT_NEAR(read, truth, 5.0) << start;
      }
    }
  }
}

TEST(CeltLevel, SilenceIsSilence) {
  Codec codec({});
  CeltLevel level;
  for (int packet = 0; packet < 50; ++packet) {
    const Payload payload = codec.encode(std::vector<float>(960, 0.0F));
    if (packet >= 10) {
      EXPECT_LE(level.read(payload), -90.0F);
    }
  }
  // After sound the encoder lets the energies fall over some frames, and the decoder with it.
  Source source(false);
  for (int packet = 0; packet < 20; ++packet) {
    const Payload payload = codec.encode(source.next(960));
    level.read(payload);
    codec.decode(payload);
  }
  for (int packet = 0; packet < 20; ++packet) {
    const Payload payload = codec.encode(std::vector<float>(960, 0.0F));
    const double truth = codec.decode(payload);
    const double read = level.read(payload);
    if (packet >= 4 && truth > -80.0) {
      EXPECT_NEAR(read, truth, 8.0) << packet;
    }
  }
}

TEST(CeltLevel, WhatIsNoCeltPacketChangesNothing) {
  Codec codec({});
  Source source(false);
  CeltLevel level;
  CeltLevel undisturbed;
  for (int packet = 0; packet < 50; ++packet) {
    const Payload payload = codec.encode(source.next(960));
    for (const Payload& other :
         {Payload{}, Payload{0x48, 0x80, 1, 2}, Payload{0xfb}, Payload{0xf8}, Payload{0xf8, 7}}) {
      EXPECT_EQ(level.read(other), CeltLevel::kSilence);
    }
    EXPECT_EQ(level.read(payload), undisturbed.read(payload));
  }
}

TEST(CeltLevel, AnyBytesGiveALevel) {
  std::mt19937 random(9);
  CeltLevel level;
  for (int round = 0; round < 20'000; ++round) {
    Payload payload(1 + random() % 40);
    for (std::uint8_t& byte : payload) byte = static_cast<std::uint8_t>(random());
    payload[0] |= 0x80;
    const float read = level.read(payload);
    ASSERT_TRUE(std::isfinite(read));
    ASSERT_GE(read, CeltLevel::kSilence);
  }
}

}  // namespace
}  // namespace parley::media
