#include "pipelines/recorder/comment_header.hpp"

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "pipelines/recorder/sound_meter.hpp"
#include "tests/support/speech.hpp"
#include "tests/unit/pipelines/recorder/written_track.hpp"

namespace parley::recorder {
namespace {

std::string run(const std::string& command) {
  std::string out;
  FILE* pipe = ::popen(command.c_str(), "r");
  char part[256];
  while (pipe != nullptr && std::fgets(part, sizeof part, pipe) != nullptr) out += part;
  if (pipe != nullptr) ::pclose(pipe);
  return out;
}
std::string saved(const ByteBuffer& file, const std::string& extension) {
  const auto path = ::testing::TempDir() + "parley-tags-" + std::to_string(::getpid()) + extension;
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(file.data()), static_cast<std::streamsize>(file.size()));
  return path;
}

TEST(CommentHeader, AGainIsFilledInWithinTheFirstSectorAndEverybodyReadsIt) {
  const std::string long_name(3'000, 'n');
  for (const bool opus : {true, false}) {
    const Tags tags = {{"TITLE", long_name}, {"ARTIST", "Zoë \"O'Hara\""}};
    auto file = opus ? opus_track(test::tone(1, 440), 0, {}, tags) : flac_track(test::tone(1, 440), 0, tags);
    EXPECT_FALSE(read_gain(file));
    const auto before = file.size();
    for (const double gain : {-5.25, 12.5, 0.0}) {
      const auto patch = set_gain(file, gain);
      ASSERT_TRUE(patch);
      EXPECT_LE(patch->at + patch->bytes.size(), 512U);
      std::copy(patch->bytes.begin(), patch->bytes.end(),
                file.begin() + static_cast<std::ptrdiff_t>(patch->at));
      EXPECT_EQ(scan_ogg(file).good_bytes, before) << "a page does not check";
      ASSERT_TRUE(read_gain(file));
      EXPECT_NEAR(*read_gain(file), gain, 0.01);
    }
    const auto patch = set_gain(file, -5.25);
    std::copy(patch->bytes.begin(), patch->bytes.end(),
              file.begin() + static_cast<std::ptrdiff_t>(patch->at));
    const auto path = saved(file, opus ? ".opus" : ".oga");
    const auto told = run("ffprobe -v error -show_entries stream_tags:format_tags " + path);
    EXPECT_NE(told.find(opus ? "R128_TRACK_GAIN=-01344" : "REPLAYGAIN_TRACK_GAIN=-05.25 dB"),
              std::string::npos)
        << told;
    EXPECT_NE(told.find("Zoë \"O'Hara\""), std::string::npos) << told;
    EXPECT_EQ(told.find("PARLEY_RESERVED"), std::string::npos);
    std::remove(path.c_str());
  }
}

TEST(CommentHeader, WhatHasNoRoomIsLeftAlone) {
  auto file = opus_track(test::tone(1, 440));
  EXPECT_FALSE(set_gain({}, 1));
  EXPECT_FALSE(set_gain(Bytes(file).first(60), 1));
  EXPECT_FALSE(set_gain(file, std::nan("")));
  file[60] ^= 1;  // within the comments
  EXPECT_FALSE(set_gain(file, 1));
  EXPECT_FALSE(read_gain(file));
}

TEST(SoundMeter, MeasuresAsFfmpegDoes) {
  const auto file = opus_track(test::speech(12, 3));
  const auto loudness = measure(*reader_of(file));
  ASSERT_TRUE(loudness && loudness->lufs);
  const auto path = saved(file, ".opus");
  const auto told = run("ffmpeg -nostats -hide_banner -i " + path + " -af ebur128 -f null - 2>&1");
  const auto at = told.rfind("I:");
  ASSERT_NE(at, std::string::npos) << told;
  EXPECT_NEAR(*loudness->lufs, std::atof(told.c_str() + at + 2), 0.3);
  std::remove(path.c_str());
}

TEST(SoundMeter, LevelsAreBoundedAndTellWhenItWasLoud) {
  SoundMeter meter;
  const auto loud = test::tone(10, 440, 0.5);
  const std::vector<float> silence(48'000);
  for (int i = 0; i < 100; ++i) meter.add(silence);
  meter.add(loud);
  const auto result = meter.result();
  EXPECT_LE(result.levels.size(), SoundMeter::kMaxLevels);
  EXPECT_EQ(result.step_ms, 200);
  EXPECT_EQ(result.levels[100], 127);
  EXPECT_NEAR(result.levels[520], 9, 1);
  EXPECT_NEAR(result.peak, 0.5, 0.01);
  EXPECT_EQ(result.samples, 110U * 48'000);
  EXPECT_FALSE(SoundMeter().result().lufs);
}

}  // namespace
}  // namespace parley::recorder
