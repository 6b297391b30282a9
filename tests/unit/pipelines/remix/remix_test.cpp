// Mixes made of tracks, heard by ffmpeg and by the ears of the tests.
#include "pipelines/remix/remix.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "tests/support/audio_metrics.hpp"
#include "tests/support/speech.hpp"
#include "tests/unit/pipelines/recorder/written_track.hpp"

namespace parley::remix {
namespace {

namespace fs = std::filesystem;
using recorder::flac_track;
using recorder::opus_track;

class Remix : public ::testing::Test {
 protected:
  Remix() : folder_(fs::temp_directory_path() / ("parley-remix-" + std::to_string(::getpid()))) {
    fs::create_directories(folder_);
  }
  ~Remix() override { fs::remove_all(folder_); }

  struct Voice {
    ByteBuffer file;
    double gain_db = 0;
  };
  Job job(const std::vector<Voice>& voices, const std::string& name = "out.wav") const {
    Job job;
    job.open = [voices]() -> Result<std::vector<Part>> {
      std::vector<Part> parts;
      for (const auto& voice : voices)
        parts.push_back({"somebody", recorder::reader_of(voice.file), voice.gain_db});
      return parts;
    };
    job.output = folder_ / name;
    job.title = "stand\"up</title>";
    job.format = *format_named(fs::path(name).extension().string().substr(1));
    return job;
  }
  // By ffmpeg.
  static std::vector<float> heard(const std::string& path) {
    const auto raw = path + ".raw";
    EXPECT_EQ(std::system(("ffmpeg -v error -y -i " + path + " -ac 1 -ar 48000 -f f32le " + raw).c_str()), 0);
    std::ifstream in(raw, std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(in)), {});
    std::vector<float> out(bytes.size() / 4);
    std::memcpy(out.data(), bytes.data(), out.size() * 4);
    return out;
  }
  fs::path folder_;
};

TEST_F(Remix, EveryFormatHoldsAllVoicesAtTheirPlaceAndGain) {
  const auto alice = test::tone(3, 440, 0.1), bob = test::tone(2, 1'000, 0.1);
  for (const char* name : {"out.wav", "out.flac", "out.opus", "out.m4a"}) {
    const auto report = remix(job({{opus_track(alice), 6}, {flac_track(bob, 2), -6}}, name));
    ASSERT_TRUE(report) << report.error().what;
    EXPECT_FALSE(fs::exists(folder_ / (std::string(name) + ".part")));
    const auto sound = heard(folder_ / name);
    ASSERT_NEAR(static_cast<double>(sound.size()), 4 * 48'000, 3'000) << name;
    const auto level = [&](double from_s, double hz) {
      return test::tone_dbfs(std::span(sound).subspan(static_cast<std::size_t>(from_s * 48'000), 24'000), hz);
    };
    EXPECT_NEAR(level(1, 440), -14, 1) << name;
    EXPECT_LT(level(1, 1'000), -60) << name;
    EXPECT_NEAR(level(2.3, 440), -14, 1) << name;
    EXPECT_NEAR(level(2.3, 1'000), -26, 1) << name;
    EXPECT_LT(level(3.2, 440), -50) << name;
    EXPECT_NEAR(level(3.2, 1'000), -26, 1) << name;
  }
}

TEST_F(Remix, TracksOfBothKindsAreInStepWithinAMillisecond) {
  std::vector<float> sound(24'000);
  const auto beep = test::keyed_tone(2, 1'000, 0.4);
  sound.insert(sound.end(), beep.begin(), beep.end());
  const auto onset = [&](const ByteBuffer& file) {
    EXPECT_TRUE(remix(job({{file}})));
    const auto out = heard(folder_ / "out.wav");
    for (std::size_t i = 0; i < out.size(); ++i)
      if (std::fabs(out[i]) > 0.2) return static_cast<double>(i) / 48;
    return -1.0;
  };
  const auto flac = onset(flac_track(sound, 1)), opus = onset(opus_track(sound, 1));
  EXPECT_NEAR(flac, opus, 3);
  EXPECT_NEAR(flac, 1'500, 15);
}

TEST_F(Remix, TooLoudIsLimitedNotClipped) {
  const auto loud = opus_track(test::tone(2, 440, 0.8)), other = opus_track(test::tone(2, 660, 0.8));
  ASSERT_TRUE(remix(job({{loud, 12}, {other, 12}})));
  const auto sound = heard(folder_ / "out.wav");
  EXPECT_LE(test::peak(sound), 0.895);
  EXPECT_EQ(test::clipped_runs(sound), 0U);
  EXPECT_GT(test::tone_dbfs(std::span(sound).subspan(48'000, 24'000), 440), -10);
}

TEST_F(Remix, NormalizesToTheLoudnessAsked) {
  for (const double level : {-45.0, -12.0}) {
    test::SpeechStyle style;
    style.level_dbfs = level;
    auto wanted = job({{opus_track(test::speech(8, 5, style))}}, "out.flac");
    wanted.target_lufs = -20;
    const auto report = remix(wanted);
    ASSERT_TRUE(report) << report.error().what;
    ASSERT_TRUE(report->before_lufs && report->loudness.lufs);
    EXPECT_NEAR(*report->loudness.lufs, -20, 1) << "was " << *report->before_lufs;
    recorder::SoundMeter meter;
    meter.add(heard(folder_ / "out.flac"));
    EXPECT_NEAR(*meter.result().lufs, -20, 1);
  }
}

TEST_F(Remix, SilenceIsNotMadeLoud) {
  auto wanted = job({{opus_track(std::vector<float>(96'000))}});
  wanted.target_lufs = -20;
  const auto report = remix(wanted);
  ASSERT_TRUE(report) << report.error().what;
  EXPECT_EQ(report->gain_db, 0);
  EXPECT_LT(test::peak(heard(folder_ / "out.wav")), 0.001);
}

TEST_F(Remix, StoppedOrFailedLeavesNothingBehind) {
  auto stopped = job({{opus_track(test::tone(30, 440))}});
  stopped.progress = [](double) { return false; };
  auto report = remix(stopped);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, ECANCELED);
  EXPECT_TRUE(fs::is_empty(folder_));

  auto nowhere = job({{opus_track(test::tone(1, 440))}});
  nowhere.output = folder_ / "missing" / "out.wav";
  report = remix(nowhere);
  ASSERT_FALSE(report);
  EXPECT_NE(report.error().what.find("out.wav"), std::string::npos) << report.error().what;

  EXPECT_FALSE(remix(job({})));
  EXPECT_TRUE(fs::is_empty(folder_));
}

TEST_F(Remix, DamageIsToldAndTheRestIsMixed) {
  auto file = opus_track(test::tone(3, 440, 0.3));
  file[file.size() / 2] ^= 0x55;
  const auto report = remix(job({{file}}));
  ASSERT_TRUE(report);
  ASSERT_EQ(report->damages.size(), 1U);
  EXPECT_NE(report->damages[0].find("somebody"), std::string::npos);
  EXPECT_EQ(heard(folder_ / "out.wav").size(), report->samples);
}

// Two hours of mostly silence take no more memory than two minutes.
TEST_F(Remix, MemoryDoesNotGrowWithTheLength) {
  recorder::MemoryFile file;
  recorder::OpusOutput output(file, 7, {});
  const auto packets = test::opus_packets(test::tone(1, 440, 0.1));
  for (const auto& packet : packets) output.add(packet.packet.data());
  output.fill(7'200ULL * 48'000);
  for (const auto& packet : packets) output.add(packet.packet.data());
  output.finish();
  rusage before{}, after{};
  ASSERT_TRUE(remix(job({{opus_track(test::tone(20, 440))}}, "first.flac")));
  getrusage(RUSAGE_SELF, &before);
  const auto report = remix(job({{file.bytes}}, "long.flac"));
  getrusage(RUSAGE_SELF, &after);
  ASSERT_TRUE(report);
  EXPECT_NEAR(static_cast<double>(report->samples), 7'202.0 * 48'000, 2'000);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // they keep what was given back
  EXPECT_LT(after.ru_maxrss - before.ru_maxrss, 30'000) << "kB";
#endif
}

}  // namespace
}  // namespace parley::remix
