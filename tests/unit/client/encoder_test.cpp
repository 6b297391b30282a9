#include "client/encoder.hpp"

#include <gtest/gtest.h>
#include <opus/opus.h>

#include <cmath>
#include <numbers>

#include "client/audio_source.hpp"
#include "client/g711.hpp"
#include "pipelines/media/resample.hpp"

namespace parley::client {
namespace {

struct Packet {
  ByteBuffer payload;
  std::uint64_t media_time;
  std::uint8_t level;
  bool voice, marker;
};

std::vector<float> sound(AudioSource& source, std::size_t samples) {
  std::vector<float> pcm(samples);
  source.read(pcm);
  return pcm;
}

std::vector<Packet> encode(Encoder& encoder, std::span<const float> pcm, std::size_t piece = 960) {
  std::vector<Packet> packets;
  for (std::size_t at = 0; at < pcm.size(); at += piece) {
    encoder.push(pcm.subspan(at, std::min(piece, pcm.size() - at)), [&](const EncodedPacket& packet) {
      packets.push_back({ByteBuffer(packet.payload.begin(), packet.payload.end()), packet.media_time,
                         packet.level, packet.voice, packet.marker});
    });
  }
  return packets;
}

std::unique_ptr<Encoder> make(const EncoderConfig& config, const EncoderTuning& tuning = {}) {
  auto encoder = Encoder::create(config, tuning);
  EXPECT_TRUE(encoder) << encoder.error().what;
  return std::move(*encoder);
}

int frame_samples(const Packet& packet) {
  return opus_packet_get_nb_samples(packet.payload.data(), static_cast<opus_int32>(packet.payload.size()),
                                    48'000);
}

TEST(Encoder, MakesPacketsOfTheWantedLength) {
  for (const int ptime : {10, 20, 40, 60}) {
    EncoderTuning tuning;
    tuning.ptime = std::chrono::milliseconds(ptime);
    auto encoder = make({}, tuning);
    ToneSource tone({440, 0.1, false});
    const auto packets = encode(*encoder, sound(tone, 12'000));
    ASSERT_FALSE(packets.empty());
    for (std::size_t i = 0; i < packets.size(); ++i) {
      EXPECT_EQ(frame_samples(packets[i]), ptime * 48);
      EXPECT_EQ(packets[i].media_time, i * static_cast<std::size_t>(ptime) * 48);
      EXPECT_EQ(packets[i].marker, i == 0);
    }
  }
}

TEST(Encoder, MayChangeTheLengthInTheMiddle) {
  auto encoder = make({});
  ToneSource tone({440, 0.1, false});
  auto packets = encode(*encoder, sound(tone, 4'800));
  EncoderTuning longer;
  longer.ptime = 40ms;
  encoder->tune(longer);
  const auto rest = encode(*encoder, sound(tone, 4'800));
  packets.insert(packets.end(), rest.begin(), rest.end());
  for (std::size_t i = 1; i < packets.size(); ++i)
    EXPECT_EQ(packets[i].media_time,
              packets[i - 1].media_time + static_cast<std::size_t>(frame_samples(packets[i - 1])));
  EXPECT_EQ(frame_samples(packets.back()), 1'920);
}

TEST(Encoder, TellsTheLevelOfRfc6464) {
  auto encoder = make({});
  ToneSource tone({440, 0.1, true});  // RMS of a sine of amplitude 0.1: -23 dBFS
  const auto packets = encode(*encoder, sound(tone, 9'600));
  EXPECT_EQ(packets.back().level, 23);
  EXPECT_TRUE(packets.back().voice);
  auto quiet = make({Codec::opus, 7, false, true});
  SilenceSource silence;
  const auto silent = encode(*quiet, sound(silence, 9'600));
  ASSERT_EQ(silent.size(), 10U);  // without DTX silence is sent
  EXPECT_EQ(silent.back().level, 120);
  EXPECT_FALSE(silent.back().voice);
}

TEST(Encoder, SendsOnePacketAtTheStartOfAPauseAndMarksTheNextWord) {
  auto encoder = make({});
  ToneSource tone({440, 0.1, false});
  auto pcm = sound(tone, 14'400);
  pcm.resize(14'400 + 96'000);  // two seconds of silence
  ToneSource again({440, 0.1, false});
  const auto word = sound(again, 14'400);
  pcm.insert(pcm.end(), word.begin(), word.end());
  const auto packets = encode(*encoder, pcm);
  const auto in_pause = std::count_if(packets.begin(), packets.end(), [](const Packet& packet) {
    return packet.media_time >= 14'400 + 48'000 && packet.media_time < 14'400 + 96'000;
  });
  // Opus refreshes its comfort noise every 400 ms; after each refresh the decoder is told again that a pause
  // begins.
  EXPECT_LE(in_pause, 6);
  EXPECT_GE(in_pause, 2);
  for (const auto& packet : packets) {
    const bool inside = packet.media_time >= 14'400 + 9'600 && packet.media_time < 14'400 + 96'000;
    EXPECT_FALSE(inside && packet.marker);
  }
  const auto resumed = std::find_if(packets.begin(), packets.end(), [](const Packet& packet) {
    return packet.media_time >= 14'400 + 96'000;
  });
  ASSERT_NE(resumed, packets.end());
  EXPECT_TRUE(resumed->marker);
}

TEST(Encoder, VoiceCarriesTheRedundancyOfFec) {
  // libopus writes the redundancy when it expects at least some loss and takes the sound for voice (keyed
  // tones are).
  auto encoder = make({});
  ToneSource tone({440, 0.1, false});
  const auto packets = encode(*encoder, sound(tone, 14'400 - 1'920));
  int with_fec = 0;
  for (const auto& packet : packets) {
    // The LBRR flag is the bit behind the VAD bit of a 20 ms SILK or hybrid frame.
    if ((packet.payload[0] >> 3) < 16 && (packet.payload[1] & 0x40) != 0) ++with_fec;
  }
  EXPECT_GE(with_fec, static_cast<int>(packets.size()) / 2);
}

TEST(Encoder, MovesTheGainSmoothlyAndNeverWraps) {
  auto encoder = make({});
  EncoderTuning louder;
  louder.gain_db = 12;
  encoder->tune(louder);
  ToneSource tone({440, 0.5, true});
  const auto packets = encode(*encoder, sound(tone, 96'000));
  // The first packet holds the ramp of the tone.
  for (std::size_t i = 2; i < packets.size(); ++i)
    EXPECT_LE(std::abs(packets[i].level - packets[i - 1].level), 1);
  EXPECT_NEAR(packets[1].level, 9, 1);
  EXPECT_LE(packets.back().level, 3);  // 12 dB more would be +3 dBFS: it is bent, not cut
}

TEST(Encoder, SkippedSoundLetsTimePassAndIsMarked) {
  auto encoder = make({});
  ToneSource tone({440, 0.1, false});
  encode(*encoder, sound(tone, 4'800));
  encoder->skip(48'000);
  const auto packets = encode(*encoder, sound(tone, 960));
  ASSERT_EQ(packets.size(), 1U);
  EXPECT_EQ(packets[0].media_time, 52'800U);
  EXPECT_TRUE(packets[0].marker);
}

TEST(Encoder, G711HasAByteForEachSampleAt8kHz) {
  for (const Codec codec : {Codec::pcmu, Codec::pcma}) {
    auto encoder = make({codec, 7, true, true});
    ToneSource tone({1000, 0.1, true});
    const auto packets = encode(*encoder, sound(tone, 9'600));
    ASSERT_EQ(packets.size(), 10U);
    for (const auto& packet : packets) EXPECT_EQ(packet.payload.size(), 160U);
  }
}

// ITU-T G.711's decoders, written from tables 1 and 2 for the test.
int expand_ulaw(std::uint8_t code) {
  const unsigned value = static_cast<std::uint8_t>(~code);
  const int magnitude = static_cast<int>(((value & 0x0f) * 8 + 132) << ((value >> 4) & 7)) - 132;
  return (value & 0x80) != 0 ? -magnitude : magnitude;
}
int expand_alaw(std::uint8_t code) {
  const unsigned value = code ^ 0x55U;
  const unsigned segment = (value >> 4) & 7;
  int magnitude = static_cast<int>((value & 0x0f) * 16 + 8);
  if (segment > 0) magnitude = (magnitude + 256) << (segment - 1);
  return (value & 0x80) != 0 ? magnitude : -magnitude;
}

TEST(G711, ComesBackWithinAQuantisationStep) {
  for (int pcm = -32'000; pcm <= 32'000; pcm += 7) {
    const float sample = static_cast<float>(pcm) / 32'767.0F;
    const int tolerance = std::max(16, std::abs(pcm) / 30 + 8);
    EXPECT_NEAR(expand_ulaw(encode_ulaw(sample)), pcm, tolerance);
    EXPECT_NEAR(expand_alaw(encode_alaw(sample)), pcm, tolerance);
  }
}

TEST(G711, KnownCodes) {
  EXPECT_EQ(encode_ulaw(0), 0xff);
  EXPECT_EQ(encode_ulaw(1), 0x80);
  EXPECT_EQ(encode_ulaw(-1), 0x00);
  EXPECT_EQ(encode_alaw(0), 0xd5);
  EXPECT_EQ(encode_alaw(1), 0xaa);
  EXPECT_EQ(encode_alaw(-1), 0x2a);
}

// Level of what comes back at 48 kHz, in dB, of a sine sent through 8 kHz.
double through_8_khz(double hz) {
  ToneSource tone({hz, 0.5, true});
  const auto pcm = sound(tone, 48'000);
  std::vector<float> narrow(8'000), wide(48'000);
  media::Decimator down;
  media::Interpolator up;
  for (std::size_t at = 0; at < 48'000; at += 960) {
    down.process(std::span(pcm).subspan(at, 960), std::span(narrow).subspan(at / 6, 160));
    up.process(std::span(narrow).subspan(at / 6, 160), std::span(wide).subspan(at, 960));
  }
  double energy = 0;
  for (std::size_t i = 24'000; i < 48'000; ++i) energy += static_cast<double>(wide[i]) * wide[i];
  return 10 * std::log10(std::max(energy / 24'000 / (0.125), 1e-12));
}

TEST(Resample, PassesSpeechAndStopsWhatWouldFoldBack) {
  EXPECT_NEAR(through_8_khz(300), 0, 0.1);
  EXPECT_NEAR(through_8_khz(1000), 0, 0.1);
  EXPECT_NEAR(through_8_khz(3000), 0, 0.5);
  EXPECT_LT(through_8_khz(4800), -60);
  EXPECT_LT(through_8_khz(7000), -60);
}

}  // namespace
}  // namespace parley::client
