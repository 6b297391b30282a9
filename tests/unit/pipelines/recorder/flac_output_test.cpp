#include "pipelines/recorder/flac_output.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "tests/unit/pipelines/recorder/memory_file.hpp"

namespace parley::recorder {
namespace {

// By ffmpeg, an independent decoder.
std::vector<std::int16_t> decode(const ByteBuffer& file) {
  const std::string base = ::testing::TempDir() + "parley-flac-" + std::to_string(::getpid());
  std::ofstream(base + ".oga", std::ios::binary)
      .write(reinterpret_cast<const char*>(file.data()), static_cast<std::streamsize>(file.size()));
  const auto command = "ffmpeg -v error -y -i " + base + ".oga -f s16le " + base + ".raw";
  EXPECT_EQ(std::system(command.c_str()), 0);
  std::ifstream in(base + ".raw", std::ios::binary);
  const std::string raw((std::istreambuf_iterator<char>(in)), {});
  std::vector<std::int16_t> out(raw.size() / 2);
  std::memcpy(out.data(), raw.data(), out.size() * 2);
  std::remove((base + ".oga").c_str());
  std::remove((base + ".raw").c_str());
  return out;
}

TEST(FlacOutput, IsLosslessForEverybodyElse) {
  for (const Codec codec : {Codec::pcmu, Codec::pcma}) {
    MemoryFile file;
    FlacOutput output(file, 3, codec, {{"ARTIST", "Zoë"}});
    output.fill(48'000);
    ByteBuffer every(256), noise(4'000);
    for (std::size_t i = 0; i < every.size(); ++i) every[i] = static_cast<std::uint8_t>(i);
    for (std::size_t i = 0; i < noise.size(); ++i) noise[i] = static_cast<std::uint8_t>(i * 7919 >> 3);
    output.add(every);
    output.add(noise);
    EXPECT_EQ(output.position(), (8'000U + 256 + 4'000) * 6);
    ASSERT_TRUE(output.finish());
    const auto heard = decode(file.bytes);
    ASSERT_EQ(heard.size(), 12'256U);
    EXPECT_EQ(heard[100], 0);
    // ITU-T G.711: the loudest and the faintest values.
    EXPECT_EQ(heard[8'000], codec == Codec::pcmu ? -32'124 : -5'504);
    EXPECT_EQ(heard[8'000 + 0x80], codec == Codec::pcmu ? 32'124 : 5'504);
    EXPECT_EQ(heard[8'000 + 0xd5], codec == Codec::pcmu ? 716 : 8);
  }
}

TEST(FlacOutput, NumbersBeyondOneByte) {
  MemoryFile file;
  FlacOutput output(file, 3, Codec::pcma, {});
  output.fill(48'000ULL * 700);  // 7,000 blocks: numbers of one, two and three bytes
  output.add(ByteBuffer(800, 0x80));
  ASSERT_TRUE(output.finish());
  const auto heard = decode(file.bytes);
  ASSERT_GE(heard.size(), 5'600'800U);
  EXPECT_EQ(heard[5'600'000], 5'504);
}

TEST(FlacOutput, ARefusedBlockIsFilledLater) {
  MemoryFile file;
  FlacOutput output(file, 3, Codec::pcmu, {});
  output.add(ByteBuffer(800, 0));
  file.full = true;
  output.add(ByteBuffer(800, 0));
  EXPECT_EQ(output.position(), 800U * 6);
  EXPECT_FALSE(output.flush());
  file.full = false;
  output.fill(800 * 6);
  EXPECT_TRUE(output.flush());
  output.add(ByteBuffer(10, 0));
  ASSERT_TRUE(output.finish());
  EXPECT_EQ(decode(file.bytes).size(), 1'610U);
}

}  // namespace
}  // namespace parley::recorder
