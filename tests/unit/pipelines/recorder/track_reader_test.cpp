#include "pipelines/recorder/track_reader.hpp"

#include <cmath>

#include "tests/support/audio_metrics.hpp"
#include "tests/support/speech.hpp"
#include "tests/unit/pipelines/recorder/written_track.hpp"

namespace parley::recorder {
namespace {

constexpr std::size_t kSecond = 48'000;

// Where a tone begins, in ms.
double onset_ms(const std::vector<float>& sound, double threshold) {
  for (std::size_t i = 0; i < sound.size(); ++i)
    if (std::fabs(sound[i]) > threshold) return static_cast<double>(i) / 48;
  return -1;
}

TEST(TrackReader, OpusIsHeardAsAPlayerHearsIt) {
  const auto file = opus_track(test::speech(3), 1.5);
  const auto reader = reader_of(file);
  ASSERT_TRUE(reader);
  const auto heard = read_all(*reader);
  const auto expected = decode_opus_file(file);
  ASSERT_EQ(heard.size(), expected.size());
  for (std::size_t i = 0; i < heard.size(); ++i) ASSERT_NEAR(heard[i], expected[i], 1e-3) << i;
  EXPECT_EQ(reader->damaged(), 0U);
}

TEST(TrackReader, FlacAndOpusOfTheSameSoundAreInStep) {
  std::vector<float> sound(kSecond / 2);
  const auto beep = test::tone(1, 1'000, 0.4);
  sound.insert(sound.end(), beep.begin(), beep.end());
  const auto opus = read_all(*reader_of(opus_track(sound, 1)));
  const auto flac = read_all(*reader_of(flac_track(sound, 1)));
  EXPECT_NEAR(onset_ms(opus, 0.1), 1'500, 3);
  EXPECT_NEAR(onset_ms(flac, 0.1), 1'500, 2);
  EXPECT_NEAR(test::tone_dbfs(std::span(flac).subspan(80'000, 20'000), 1'000),
              test::tone_dbfs(std::span(opus).subspan(80'000, 20'000), 1'000), 1);
  EXPECT_NEAR(static_cast<double>(flac.size()), 2.5 * kSecond, 200);
}

TEST(TrackReader, AnyPieceSizeGivesTheSame) {
  const auto file = opus_track(test::speech(1));
  const auto whole = read_all(*reader_of(file, file.size()));
  for (const std::size_t piece : {1U, 7U, 65'307U})
    EXPECT_EQ(read_all(*reader_of(file, piece)), whole) << piece;
}

TEST(TrackReader, ALongPauseCostsNothingAndIsSilence) {
  MemoryFile file;
  OpusOutput output(file, 7, {});
  const auto packets = test::opus_packets(test::tone(1, 440));
  for (const auto& packet : packets) output.add(packet.packet.data());
  output.fill(600 * kSecond);
  for (const auto& packet : packets) output.add(packet.packet.data());
  output.finish();
  const auto reader = reader_of(file.bytes);
  const auto heard = read_all(*reader);
  ASSERT_NEAR(static_cast<double>(heard.size()), 602.0 * kSecond, 2'000);
  EXPECT_EQ(test::peak(std::span(heard).subspan(10 * kSecond, 580 * kSecond)), 0);
  EXPECT_GT(test::tone_dbfs(std::span(heard).subspan(601 * kSecond, kSecond / 2), 440), -15);
}

TEST(TrackReader, ADamagedPageIsSilenceAndTheRestKeepsItsPlace) {
  for (const bool flac : {false, true}) {
    auto sound = test::tone(2, 440, 0.3);
    const auto late = test::tone(1, 1'000, 0.3);
    sound.insert(sound.end(), late.begin(), late.end());
    auto file = flac ? flac_track(sound) : opus_track(sound);
    const auto clean = read_all(*reader_of(file));
    file[file.size() / 2] ^= 0xff;
    const auto reader = reader_of(file);
    const auto heard = read_all(*reader);
    EXPECT_GT(reader->damaged(), 0U) << flac;
    ASSERT_EQ(heard.size(), clean.size()) << flac;
    EXPECT_GT(test::tone_dbfs(std::span(heard).subspan(115'000, 20'000), 1'000), -14) << flac;
    EXPECT_LT(test::tone_dbfs(std::span(heard).subspan(115'000, 20'000), 440), -40) << flac;
  }
}

TEST(TrackReader, AFileThatWasCutOffPlaysToItsEnd) {
  auto file = opus_track(test::tone(2, 440));
  file.resize(file.size() * 3 / 4);
  const auto heard = read_all(*reader_of(file));
  EXPECT_GT(heard.size(), kSecond);
  EXPECT_LT(heard.size(), 2 * kSecond);
}

TEST(TrackReader, WhatIsNoTrackIsAnError) {
  const auto flac = flac_track(test::tone(1, 440));
  const std::vector<std::pair<ByteBuffer, std::string>> cases = {
      {{}, "ends before"},
      {ByteBuffer(10, 'O'), "ends before"},
      {ByteBuffer(100'000, 'x'), "neither"},
      {ByteBuffer(flac.begin(), flac.begin() + 40), "damaged"},
  };
  for (const auto& [bytes, what] : cases) {
    const auto reader = TrackReader::open(std::make_unique<MemorySource>(bytes));
    ASSERT_FALSE(reader);
    EXPECT_NE(reader.error().what.find(what), std::string::npos) << reader.error().what;
  }
}

}  // namespace
}  // namespace parley::recorder
