// The device pipelines against test elements: this machine need not have a sound card.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>

#include "pipelines/device/file_decoder.hpp"
#include "pipelines/device/inventory.hpp"
#include "pipelines/device/microphone.hpp"
#include "pipelines/device/speaker.hpp"

namespace parley::device {
namespace {

namespace fs = std::filesystem;

class FileDecoderTest : public testing::Test {
 protected:
  FileDecoderTest()
      : path_(fs::path(testing::TempDir()) / ("device-" + std::to_string(::getpid()) + ".wav")) {}
  ~FileDecoderTest() override {
    std::error_code ignored;
    fs::remove(path_, ignored);
  }

  // A sine of amplitude 0.5 in every channel.
  void write_wav(unsigned rate, unsigned channels, double seconds, double hz) {
    const auto frames = static_cast<std::uint32_t>(rate * seconds);
    std::ofstream out(path_, std::ios::binary);
    const auto put = [&out](std::uint32_t value, int width) {
      for (int i = 0; i < width; ++i) out.put(static_cast<char>(value >> (8 * i)));
    };
    out << "RIFF";
    put(36 + frames * channels * 2, 4);
    out << "WAVEfmt ";
    put(16, 4);
    put(1, 2);
    put(channels, 2);
    put(rate, 4);
    put(rate * channels * 2, 4);
    put(channels * 2, 2);
    put(16, 2);
    out << "data";
    put(frames * channels * 2, 4);
    for (std::uint32_t i = 0; i < frames; ++i) {
      const auto value = static_cast<std::int16_t>(std::lrint(16'384 * std::sin(2 * M_PI * hz * i / rate)));
      for (unsigned channel = 0; channel < channels; ++channel) put(static_cast<std::uint16_t>(value), 2);
    }
  }
  void write_text(const std::string& text) { std::ofstream(path_, std::ios::binary) << text; }

  fs::path path_;
};

double amplitude(std::span<const float> pcm, double hz) {
  double re = 0, im = 0;
  for (std::size_t i = 0; i < pcm.size(); ++i) {
    const double angle = 2 * M_PI * hz * static_cast<double>(i) / 48'000;
    re += pcm[i] * std::cos(angle);
    im += pcm[i] * std::sin(angle);
  }
  return 2 * std::hypot(re, im) / static_cast<double>(pcm.size());
}

TEST_F(FileDecoderTest, TakesAnyRateAndAnyChannels) {
  struct Row {
    unsigned rate, channels;
  };
  const Row rows[] = {{48'000, 1}, {48'000, 2}, {44'100, 2}, {16'000, 1},
                      {8'000, 1},  {22'050, 2}, {96'000, 1}};
  for (const auto& row : rows) {
    SCOPED_TRACE(testing::Message() << row.rate << " Hz, " << row.channels << " channels");
    write_wav(row.rate, row.channels, 1, 500);
    const auto pcm = load_audio_file(path_.string(), 60);
    ASSERT_TRUE(pcm) << pcm.error().what;
    EXPECT_NEAR(static_cast<double>(pcm->size()), 48'000, 100);
    EXPECT_NEAR(amplitude(std::span(*pcm).subspan(4'800, 38'400), 500), 0.5, 0.02);
  }
}

TEST_F(FileDecoderTest, EndsOnceAndThenGivesNothing) {
  write_wav(48'000, 1, 0.1, 500);
  auto decoder = FileDecoder::open(path_.string(), false);
  ASSERT_TRUE(decoder) << decoder.error().what;
  std::vector<float> pcm(9'600);
  EXPECT_EQ((*decoder)->read(pcm), 4'800U);
  EXPECT_TRUE((*decoder)->ended());
  EXPECT_EQ((*decoder)->read(pcm), 0U);
}

TEST_F(FileDecoderTest, LoopsWithoutAHole) {
  write_wav(48'000, 1, 0.1, 500);
  auto decoder = FileDecoder::open(path_.string(), true);
  ASSERT_TRUE(decoder) << decoder.error().what;
  std::vector<float> pcm(48'000);
  std::size_t filled = 0;
  for (int i = 0; i < 100 && filled < pcm.size(); ++i)
    filled += (*decoder)->read(std::span(pcm).subspan(filled));
  ASSERT_EQ(filled, pcm.size());
  // A tenth of a second holds fifty whole periods, so the loop is one long sine.
  EXPECT_NEAR(amplitude(pcm, 500), 0.5, 0.01);
  EXPECT_FALSE((*decoder)->ended());
}

TEST_F(FileDecoderTest, StopsReadingAtTheLimit) {
  write_wav(48'000, 1, 2, 500);
  const auto pcm = load_audio_file(path_.string(), 0.5);
  ASSERT_TRUE(pcm) << pcm.error().what;
  EXPECT_EQ(pcm->size(), 24'000U);
}

TEST_F(FileDecoderTest, WhatIsNoAudioIsAnErrorThatNamesTheFile) {
  const auto expect_error = [](const std::string& path) {
    const auto decoder = FileDecoder::open(path, false);
    ASSERT_FALSE(decoder) << path;
    EXPECT_NE(decoder.error().what.find(path), std::string::npos) << decoder.error().what;
  };
  expect_error("/nonexistent/file.wav");
  expect_error(testing::TempDir());
  expect_error("/dev/zero");
  write_text("");
  expect_error(path_.string());
  write_text("this is not audio, whatever its name says\n");
  expect_error(path_.string());
  write_wav(48'000, 1, 0, 500);  // a header without a sample
  expect_error(path_.string());
}

TEST_F(FileDecoderTest, ATruncatedFilePlaysAsFarAsItGoes) {
  write_wav(48'000, 1, 1, 500);
  fs::resize_file(path_, 44 + 48'000);
  const auto pcm = load_audio_file(path_.string(), 60);
  ASSERT_TRUE(pcm) << pcm.error().what;
  EXPECT_NEAR(static_cast<double>(pcm->size()), 24'000, 10);
}

TEST(Microphone, DeliversWhatItsSourceMakes) {
  auto microphone = Microphone::open("audiotestsrc is-live=true freq=500 volume=0.5 samplesperbuffer=480");
  ASSERT_TRUE(microphone) << microphone.error().what;
  std::vector<float> pcm(9'600);
  for (std::size_t at = 0; at < pcm.size(); at += 960)
    ASSERT_TRUE((*microphone)->read(std::span(pcm).subspan(at, 960)));
  EXPECT_NEAR(amplitude(pcm, 500), 0.5, 0.02);
  EXPECT_FALSE((*microphone)->failure());
}

TEST(Microphone, AMissingDeviceIsAnError) {
  const auto microphone = Microphone::open("alsasrc device=hw:99");
  ASSERT_FALSE(microphone);
  EXPECT_FALSE(microphone.error().what.empty());
}

TEST(Microphone, TheAutomaticOneIsNeverAFake) {
  for (const auto& device : sound_devices())
    if (device.input) GTEST_SKIP() << "this machine has a microphone: " << device.name;
  const auto microphone = Microphone::open();
  ASSERT_FALSE(microphone);
  EXPECT_NE(microphone.error().what.find("microphone"), std::string::npos) << microphone.error().what;
}

TEST(Speaker, TakesWhatIsWritten) {
  auto speaker = Speaker::open("fakesink");
  ASSERT_TRUE(speaker) << speaker.error().what;
  const std::vector<float> pcm(960, 0.1F);
  for (int i = 0; i < 20; ++i) ASSERT_TRUE((*speaker)->write(pcm));
  EXPECT_FALSE((*speaker)->failure());
}

TEST(Speaker, PacesItsWriter) {
  // identity with sync waits for each buffer's time, as a device does.
  auto speaker = Speaker::open("identity sync=true ! fakesink");
  ASSERT_TRUE(speaker) << speaker.error().what;
  const std::vector<float> pcm(960, 0.1F);
  TimePoint last = (*speaker)->wait();
  for (int i = 0; i < 25; ++i) {
    ASSERT_TRUE((*speaker)->write(pcm));
    const TimePoint due = (*speaker)->wait();
    EXPECT_NEAR(to_ms(due - last), 20, 10);  // the phase moves, but not in bursts
    last = due;
  }
}

TEST(Speaker, DropsWhatADeadDeviceDoesNotTake) {
  auto speaker = Speaker::open("identity sleep-time=1000000 ! fakesink");
  ASSERT_TRUE(speaker) << speaker.error().what;
  const std::vector<float> pcm(960, 0.1F);
  int taken = 0;
  while (taken < 100 && (*speaker)->write(pcm)) ++taken;
  EXPECT_NEAR(taken, 25, 3);  // half a second
}

TEST(Speaker, TheAutomaticOneIsNeverAFake) {
  for (const auto& device : sound_devices())
    if (!device.input) GTEST_SKIP() << "this machine has a speaker: " << device.name;
  const auto speaker = Speaker::open();
  ASSERT_FALSE(speaker);
  EXPECT_NE(speaker.error().what.find("speaker"), std::string::npos) << speaker.error().what;
}

TEST(Inventory, KnowsWhatIsMissing) {
  EXPECT_TRUE(missing_elements({"audioconvert", "appsink"}).empty());
  EXPECT_EQ(missing_elements({"audioconvert", "nosuchelement"}), std::vector<std::string>{"nosuchelement"});
  EXPECT_EQ(gstreamer_version().rfind("1.", 0), 0U);
}

}  // namespace
}  // namespace parley::device
