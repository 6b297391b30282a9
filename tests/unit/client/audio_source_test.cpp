#include "client/audio_source.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "client/audio_sink.hpp"

namespace parley::client {
namespace {

double rms(std::span<const float> pcm) {
  double energy = 0;
  for (const float sample : pcm) energy += static_cast<double>(sample) * sample;
  return std::sqrt(energy / static_cast<double>(pcm.size()));
}

std::vector<float> read(AudioSource& source, std::size_t samples, std::size_t piece = 960) {
  std::vector<float> pcm(samples);
  for (std::size_t at = 0; at < samples; at += piece)
    source.read(std::span(pcm).subspan(at, std::min(piece, samples - at)));
  return pcm;
}

TEST(Tone, IsKeyedThreeHundredOnTwoHundredOff) {
  ToneSource tone({440, 0.1, false});
  const auto pcm = read(tone, 48'000);
  const auto part = [&](int from_ms, int to_ms) {
    return std::span(pcm).subspan(static_cast<std::size_t>(from_ms * 48),
                                  static_cast<std::size_t>((to_ms - from_ms) * 48));
  };
  for (const int start : {0, 500}) {
    EXPECT_NEAR(rms(part(start + 20, start + 280)), 0.1 / std::sqrt(2.0), 0.002);
    EXPECT_EQ(rms(part(start + 300, start + 500)), 0);
  }
}

TEST(Tone, HasRampsWithoutAClick) {
  ToneSource tone({1000, 1.0, false});
  const auto pcm = read(tone, 48'000);
  // The steepest step of the sine itself is 2 pi 1000 / 48000 = 0.131; a click would exceed it.
  float steepest = 0;
  for (std::size_t i = 1; i < pcm.size(); ++i) steepest = std::max(steepest, std::abs(pcm[i] - pcm[i - 1]));
  EXPECT_LE(steepest, 0.133F);
  EXPECT_LT(rms(std::span(pcm).first(240)), 0.3);  // the first 5 ms are quieter
}

TEST(Tone, SteadyHasNoGap) {
  ToneSource tone({440, 0.2, true});
  const auto pcm = read(tone, 48'000);
  for (std::size_t at = 4'800; at + 4'800 <= pcm.size(); at += 4'800)
    EXPECT_NEAR(rms(std::span(pcm).subspan(at, 4'800)), 0.2 / std::sqrt(2.0), 0.005);
}

TEST(Tone, DoesNotDependOnThePieces) {
  ToneSource a({777, 0.1, false}), b({777, 0.1, false});
  EXPECT_EQ(read(a, 9'600, 960), read(b, 9'600, 480));
}

TEST(Pcm, EndsInSilenceOrStartsAgain) {
  const auto pcm = std::make_shared<const std::vector<float>>(std::vector<float>{1, 2, 3});
  PcmSource once(pcm);
  EXPECT_EQ(read(once, 5), (std::vector<float>{1, 2, 3, 0, 0}));
  EXPECT_TRUE(once.ended());
  PcmSource again(pcm, true);
  EXPECT_EQ(read(again, 7), (std::vector<float>{1, 2, 3, 1, 2, 3, 1}));
  EXPECT_FALSE(again.ended());
}

TEST(Input, IsUnderstood) {
  EXPECT_EQ(parse_input("mic")->kind, InputSpec::Kind::microphone);
  EXPECT_EQ(parse_input("silence")->kind, InputSpec::Kind::silence);
  EXPECT_EQ(parse_input("speech.wav")->path, "speech.wav");
  EXPECT_EQ(parse_input("tone:300.5,amp=0.5")->tone, (ToneSource::Settings{300.5, 0.5, false}));
  EXPECT_FALSE(parse_input(""));
  EXPECT_FALSE(parse_input("tone:nan"));
  EXPECT_FALSE(parse_input("tone:inf"));
  EXPECT_FALSE(parse_input("tone:440,amp=0"));
}

TEST(Input, AMissingFileIsAnErrorThatNamesIt) {
  const auto source = open_source(*parse_input("/nonexistent/speech.wav"), false);
  ASSERT_FALSE(source);
  EXPECT_NE(source.error().what.find("/nonexistent/speech.wav"), std::string::npos) << source.error().what;
}

TEST(Output, IsUnderstood) {
  EXPECT_EQ(parse_output("speaker")->kind, OutputSpec::Kind::speaker);
  EXPECT_EQ(parse_output("null")->kind, OutputSpec::Kind::null);
  EXPECT_EQ(parse_output("a.wav")->path, "a.wav");
  EXPECT_FALSE(parse_output(""));
}

}  // namespace
}  // namespace parley::client
