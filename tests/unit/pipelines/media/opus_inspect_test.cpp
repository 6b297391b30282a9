// What packets tell without a decoder, against packets made by libopus and by its repacketizer.
#include "pipelines/media/opus_inspect.hpp"

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

TEST(OpusInspect, ReadsTheTableOfContents) {
  struct Case {
    const char* name;
    Payload payload;
    OpusMode mode;
    bool stereo;
    int frames;
    Duration duration;
    bool dtx;
    VoiceBit voice;
    bool fec;
  };
  const auto code3 = [](std::uint8_t toc, std::uint8_t count) {
    Payload p = {static_cast<std::uint8_t>(toc | 3), count};
    p.insert(p.end(), std::size_t{count} * 2U, 0x80);
    return p;
  };
  const Case cases[] = {
      {"SILK NB 10 ms", {0x00, 0x80, 1}, OpusMode::silk, false, 1, 10ms, false, VoiceBit::set, false},
      {"SILK NB 20 ms", {0x08, 0x80, 1}, OpusMode::silk, false, 1, 20ms, false, VoiceBit::set, false},
      {"SILK WB 20 ms clear", {0x48, 0x00, 1}, OpusMode::silk, false, 1, 20ms, false, VoiceBit::clear, false},
      {"SILK WB 20 ms LBRR", {0x48, 0x40, 1}, OpusMode::silk, false, 1, 20ms, false, VoiceBit::clear, true},
      {"SILK WB 20 ms both", {0x48, 0xc0, 1}, OpusMode::silk, false, 1, 20ms, false, VoiceBit::set, true},
      {"SILK WB 20 ms, third bit is no header",
       {0x48, 0x20, 1},
       OpusMode::silk,
       false,
       1,
       20ms,
       false,
       VoiceBit::clear,
       false},
      {"SILK WB 40 ms second bit",
       {0x50, 0x40, 1},
       OpusMode::silk,
       false,
       1,
       40ms,
       false,
       VoiceBit::set,
       false},
      {"SILK WB 40 ms third is LBRR",
       {0x50, 0x20, 1},
       OpusMode::silk,
       false,
       1,
       40ms,
       false,
       VoiceBit::clear,
       true},
      {"SILK WB 60 ms third bit",
       {0x58, 0x20, 1},
       OpusMode::silk,
       false,
       1,
       60ms,
       false,
       VoiceBit::set,
       false},
      {"SILK WB 60 ms fourth is LBRR",
       {0x58, 0x10, 1},
       OpusMode::silk,
       false,
       1,
       60ms,
       false,
       VoiceBit::clear,
       true},
      {"stereo 20 ms side voice",
       {0x4c, 0x20, 1},
       OpusMode::silk,
       true,
       1,
       20ms,
       false,
       VoiceBit::set,
       false},
      {"stereo 20 ms side LBRR",
       {0x4c, 0x10, 1},
       OpusMode::silk,
       true,
       1,
       20ms,
       false,
       VoiceBit::clear,
       true},
      {"stereo 60 ms last bit is the side's LBRR",
       {0x5c, 0x01, 1},
       OpusMode::silk,
       true,
       1,
       60ms,
       false,
       VoiceBit::clear,
       true},
      {"stereo 60 ms side voice",
       {0x5c, 0x02, 1},
       OpusMode::silk,
       true,
       1,
       60ms,
       false,
       VoiceBit::set,
       false},
      {"hybrid SWB 10 ms", {0x60, 0x80, 1}, OpusMode::hybrid, false, 1, 10ms, false, VoiceBit::set, false},
      {"hybrid FB 20 ms", {0x78, 0x00, 1}, OpusMode::hybrid, false, 1, 20ms, false, VoiceBit::clear, false},
      {"CELT NB 2.5 ms", {0x80, 0xff, 1}, OpusMode::celt, false, 1, 2'500us, false, VoiceBit::unknown, false},
      {"CELT FB 20 ms", {0xf8, 0xff, 1}, OpusMode::celt, false, 1, 20ms, false, VoiceBit::unknown, false},
      {"48 CELT frames of 2.5 ms", code3(0xe0, 48), OpusMode::celt, false, 48, 120ms, false,
       VoiceBit::unknown, false},
      {"two frames, the second speaks",
       {0x49, 0x00, 1, 0x80, 1},
       OpusMode::silk,
       false,
       2,
       40ms,
       false,
       VoiceBit::set,
       false},
      {"two frames, LBRR only in the second",
       {0x49, 0x00, 1, 0x40, 1},
       OpusMode::silk,
       false,
       2,
       40ms,
       false,
       VoiceBit::clear,
       false},
      {"code 2", {0x4a, 2, 0x80, 1, 0x00, 1, 1}, OpusMode::silk, false, 2, 40ms, false, VoiceBit::set, false},
      {"DTX, TOC only", {0x48}, OpusMode::silk, false, 1, 20ms, true, VoiceBit::unknown, false},
      {"DTX, one byte", {0x48, 0xff}, OpusMode::silk, false, 1, 20ms, true, VoiceBit::unknown, false},
      {"DTX, two frames of one byte",
       {0x49, 0xff, 0xff},
       OpusMode::silk,
       false,
       2,
       40ms,
       true,
       VoiceBit::unknown,
       false},
      {"DTX, code 3 of six empty frames",
       {0x4b, 6},
       OpusMode::silk,
       false,
       6,
       120ms,
       true,
       VoiceBit::unknown,
       false},
      {"one DTX frame and one with voice",
       {0x4a, 1, 0xff, 0x80, 1},
       OpusMode::silk,
       false,
       2,
       40ms,
       false,
       VoiceBit::set,
       false},
      {"CELT DTX", {0xf8}, OpusMode::celt, false, 1, 20ms, true, VoiceBit::unknown, false},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const OpusInfo info = inspect_opus(c.payload);
    EXPECT_TRUE(info.valid);
    EXPECT_EQ(info.mode, c.mode);
    EXPECT_EQ(info.stereo, c.stereo);
    EXPECT_EQ(info.frames, c.frames);
    EXPECT_EQ(info.duration, c.duration);
    EXPECT_EQ(info.dtx, c.dtx);
    EXPECT_EQ(info.voice, c.voice);
    EXPECT_EQ(info.has_fec, c.fec);
  }
}

TEST(OpusInspect, RefusesWhatIsNoPacket) {
  const Payload cases[] = {
      {},
      {0x49, 1, 2, 3},        // code 1 with two halves of unequal size
      {0x4a},                 // code 2 without a length
      {0x4a, 200, 1, 2},      // code 2 that is longer than the packet
      {0x4b},                 // code 3 without a count
      {0x4b, 0},              // code 3 with no frames
      {0x4b, 7},              // 140 ms
      {0x5b, 3},              // 180 ms
      {0x4b, 0x42, 255, 255}  // padding longer than the packet
  };
  for (const Payload& payload : cases) {
    const OpusInfo info = inspect_opus(payload);
    EXPECT_FALSE(info.valid) << ::testing::PrintToString(payload);
    EXPECT_FALSE(info.dtx);
    EXPECT_EQ(info.voice, VoiceBit::unknown);
    EXPECT_EQ(info.frames, 0);
  }
}

struct EncoderFree {
  void operator()(OpusEncoder* encoder) const { opus_encoder_destroy(encoder); }
};
using Encoder = std::unique_ptr<OpusEncoder, EncoderFree>;

Encoder voice_encoder(int channels, int bitrate, bool fec) {
  int error = 0;
  Encoder encoder(opus_encoder_create(48'000, channels, OPUS_APPLICATION_VOIP, &error));
  opus_encoder_ctl(encoder.get(), OPUS_SET_BITRATE(bitrate));
  opus_encoder_ctl(encoder.get(), OPUS_SET_COMPLEXITY(5));
  opus_encoder_ctl(encoder.get(), OPUS_SET_SIGNAL(OPUS_SIGNAL_VOICE));
  opus_encoder_ctl(encoder.get(), OPUS_SET_FORCE_CHANNELS(channels));
  opus_encoder_ctl(encoder.get(), OPUS_SET_INBAND_FEC(fec ? 1 : 0));
  opus_encoder_ctl(encoder.get(), OPUS_SET_PACKET_LOSS_PERC(fec ? 20 : 0));
  return encoder;
}

// Something voiced: a pulse train with formants that comes for 400 ms and goes for 400 ms.
class Voice {
 public:
  bool speaking() const { return at_ / 19'200 % 2 == 0; }
  float next() {
    const double t = static_cast<double>(at_) / 48'000.0;
    float value = noise_(random_);
    if (speaking()) {
      for (int harmonic = 1; harmonic < 25; ++harmonic) {
        const double hertz = 130.0 * harmonic;
        const double formant = std::exp(-std::pow((hertz - 600.0) / 500.0, 2)) +
                               0.4 * std::exp(-std::pow((hertz - 1'700.0) / 400.0, 2));
        value += static_cast<float>(0.15 * formant * std::sin(2.0 * std::numbers::pi * hertz * t + harmonic));
      }
    }
    ++at_;
    return value;
  }

 private:
  std::size_t at_ = 0;
  std::mt19937 random_{1};
  std::normal_distribution<float> noise_{0.0F, 1e-4F};  // -80 dBFS
};

Payload encode(OpusEncoder* encoder, const std::vector<float>& samples, int channels) {
  Payload payload(1'500);
  const int size = opus_encode_float(encoder, samples.data(), static_cast<int>(samples.size()) / channels,
                                     payload.data(), static_cast<opus_int32>(payload.size()));
  payload.resize(static_cast<std::size_t>(std::max(0, size)));
  return payload;
}

TEST(OpusInspect, VoiceBitsOfLibopusFollowTheVoice) {
  for (const int channels : {1, 2}) {
    for (const int frame_ms : {10, 20, 40, 60}) {
      for (const bool fec : {false, true}) {
        SCOPED_TRACE(std::to_string(channels) + " channels, " + std::to_string(frame_ms) + " ms, FEC " +
                     std::to_string(fec));
        const Encoder encoder = voice_encoder(channels, 24'000 * channels, fec);
        Voice voice;
        int spoken = 0, spoken_set = 0, silent = 0, silent_set = 0, with_fec = 0;
        for (int packet = 0; packet < 2'400 / frame_ms; ++packet) {
          const bool before = voice.speaking();
          std::vector<float> samples;
          for (int i = 0; i < frame_ms * 48; ++i) samples.insert(samples.end(), channels, voice.next());
          const OpusInfo info = inspect_opus(encode(encoder.get(), samples, channels));
          ASSERT_TRUE(info.valid);
          ASSERT_EQ(info.duration, Duration(frame_ms * 1'000'000LL));
          ASSERT_NE(info.mode, OpusMode::celt);
          ASSERT_EQ(info.stereo, channels == 2);
          with_fec += info.has_fec ? 1 : 0;
          if (before != voice.speaking() || packet * frame_ms < 800) continue;
          (before ? spoken : silent) += 1;
          (before ? spoken_set : silent_set) += info.voice == VoiceBit::set ? 1 : 0;
        }
        EXPECT_GE(spoken_set, spoken * 95 / 100);
        // The encoder's own hang-over sets some bits after the voice.
        EXPECT_LE(silent_set, silent * 60 / 100);
        EXPECT_EQ(with_fec > 0, fec);
      }
    }
  }
}

TEST(OpusInspect, RepacketizedFramesKeepTheirBits) {
  const Encoder encoder = voice_encoder(1, 24'000, true);
  OpusRepacketizer* repacketizer = opus_repacketizer_create();
  Voice voice;
  int checked = 0;
  for (int group = 0; group < 200; ++group) {
    std::vector<Payload> singles;
    bool any_voice = false;
    bool first_fec = false;
    opus_repacketizer_init(repacketizer);
    for (int i = 0; i < 1 + group % 4; ++i) {
      std::vector<float> samples(960);
      for (float& sample : samples) sample = voice.next();
      singles.push_back(encode(encoder.get(), samples, 1));
      const OpusInfo info = inspect_opus(singles.back());
      any_voice |= info.voice == VoiceBit::set;
      if (i == 0) first_fec = info.has_fec;
    }
    bool joined = true;
    for (const Payload& single : singles) {
      joined &= opus_repacketizer_cat(repacketizer, single.data(), static_cast<opus_int32>(single.size())) ==
                OPUS_OK;
    }
    if (!joined) continue;  // the encoder changed its mode or bandwidth within the group
    Payload packed(4'000);
    packed.resize(static_cast<std::size_t>(
        opus_repacketizer_out(repacketizer, packed.data(), static_cast<opus_int32>(packed.size()))));
    const OpusInfo info = inspect_opus(packed);
    EXPECT_EQ(info.frames, static_cast<int>(singles.size()));
    EXPECT_EQ(info.voice == VoiceBit::set, any_voice);
    EXPECT_EQ(info.has_fec, first_fec);
    ++checked;
  }
  opus_repacketizer_destroy(repacketizer);
  EXPECT_GE(checked, 150);
}

TEST(OpusInspect, DtxOfLibopusIsSeen) {
  const Encoder encoder = voice_encoder(1, 24'000, false);
  opus_encoder_ctl(encoder.get(), OPUS_SET_DTX(1));
  std::mt19937 random(2);
  std::normal_distribution<float> noise(0.0F, 1e-3F);
  int dtx = 0;
  for (int packet = 0; packet < 500; ++packet) {
    std::vector<float> samples(960);
    for (float& sample : samples) sample = noise(random);
    const Payload payload = encode(encoder.get(), samples, 1);
    const OpusInfo info = inspect_opus(payload);
    EXPECT_EQ(info.dtx, payload.size() <= 2);
    dtx += info.dtx ? 1 : 0;
  }
  EXPECT_GE(dtx, 400);
}

}  // namespace
}  // namespace parley::media
