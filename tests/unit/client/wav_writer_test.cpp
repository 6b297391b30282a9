#include "client/wav_writer.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "client/audio_sink.hpp"

namespace parley::client {
namespace {

namespace fs = std::filesystem;

class WavTest : public testing::Test {
 protected:
  WavTest() : path_(fs::path(testing::TempDir()) / ("wav-" + std::to_string(::getpid()) + ".wav")) {}
  ~WavTest() override {
    std::error_code ignored;
    fs::remove(path_, ignored);
  }

  std::vector<std::uint8_t> bytes() const {
    std::ifstream in(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  static std::uint32_t u32(const std::vector<std::uint8_t>& data, std::size_t at) {
    return data.at(at) | data.at(at + 1) << 8U | data.at(at + 2) << 16U |
           static_cast<std::uint32_t>(data.at(at + 3)) << 24U;
  }
  static int s16(const std::vector<std::uint8_t>& data, std::size_t sample) {
    const std::size_t at = WavWriter::kHeaderSize + 2 * sample;
    return static_cast<std::int16_t>(data.at(at) | data.at(at + 1) << 8);
  }

  fs::path path_;
};

TEST_F(WavTest, WritesAWholeFile) {
  auto writer = WavWriter::create(path_.string());
  ASSERT_TRUE(writer) << writer.error().what;
  const std::array<float, 5> pcm{0, 0.5F, -0.5F, 2, -2};
  ASSERT_TRUE((*writer)->write(pcm));
  ASSERT_TRUE((*writer)->finish());
  const auto data = bytes();
  ASSERT_EQ(data.size(), 44U + 10);
  EXPECT_EQ(std::string(data.begin(), data.begin() + 4), "RIFF");
  EXPECT_EQ(u32(data, 4), 36U + 10);
  EXPECT_EQ(std::string(data.begin() + 8, data.begin() + 16), "WAVEfmt ");
  EXPECT_EQ(u32(data, 24), 48'000U);
  EXPECT_EQ(u32(data, 40), 10U);
  EXPECT_EQ(s16(data, 1), 16'384);
  EXPECT_EQ(s16(data, 2), -16'384);
  EXPECT_EQ(s16(data, 3), 32'767);   // clipped, not wrapped
  EXPECT_EQ(s16(data, 4), -32'767);  //
}

TEST_F(WavTest, IsReadableWhileItGrows) {
  auto writer = WavWriter::create(path_.string());
  ASSERT_TRUE(writer);
  const std::vector<float> frame(960, 0.1F);
  for (int i = 0; i < 120; ++i) {
    ASSERT_TRUE((*writer)->write(frame));
    // What a kill at this moment would leave: a header that announces no more than there is and lacks no more
    // than the last second.
    const auto data = bytes();
    const std::size_t announced = u32(data, 40);
    EXPECT_LE(announced + 44, data.size());
    EXPECT_GT(announced + 44 + 2 * WavWriter::kRate, data.size());
    EXPECT_EQ(u32(data, 4), announced + 36);
  }
}

TEST_F(WavTest, AFolderThatIsNotThereIsAnError) {
  const auto writer = WavWriter::create("/nonexistent/out.wav");
  ASSERT_FALSE(writer);
  EXPECT_NE(writer.error().what.find("/nonexistent/out.wav"), std::string::npos);
}

TEST_F(WavTest, AFullDiskIsAnErrorNotACrash) {
  if (!fs::exists("/dev/full")) GTEST_SKIP() << "no /dev/full here";
  const auto writer = WavWriter::create("/dev/full");
  EXPECT_FALSE(writer);
}

TEST_F(WavTest, TheSinkFillsWhatWasNeverPlayed) {
  auto sink = open_sink({OutputSpec::Kind::file, path_.string()});
  ASSERT_TRUE(sink) << sink.error().what;
  const std::vector<float> loud(960, 0.5F);
  const TimePoint start = TimePoint{} + 5s;
  (*sink)->write(start, loud);
  (*sink)->write(start + 20ms, loud);
  (*sink)->write(start + 10s, loud);  // a machine that slept
  (*sink)->finish();
  const auto data = bytes();
  ASSERT_EQ((data.size() - 44) / 2, 480'000U + 960);
  EXPECT_EQ(s16(data, 1'919), 16'384);
  EXPECT_EQ(s16(data, 1'920), 0);
  EXPECT_EQ(s16(data, 479'999), 0);
  EXPECT_EQ(s16(data, 480'000), 16'384);
  EXPECT_FALSE((*sink)->failure());
}

}  // namespace
}  // namespace parley::client
