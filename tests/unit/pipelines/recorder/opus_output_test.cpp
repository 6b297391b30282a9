#include "pipelines/recorder/opus_output.hpp"

#include <gtest/gtest.h>

#include "tests/unit/pipelines/recorder/memory_file.hpp"

namespace parley::recorder {
namespace {

const ByteBuffer kSpeech = {0x48, 1, 2, 3};  // SILK, narrow band, 20 ms (configuration 9)

TEST(OpusOutput, WritesHeadersThenPagesOfATenthOfASecond) {
  MemoryFile file;
  OpusOutput output(file, 7, {{"TITLE", "standup"}, {"ARTIST", "Ada \"the first\""}});
  EXPECT_TRUE(file.bytes.empty());
  for (int i = 0; i < 11; ++i) output.add(kSpeech);
  EXPECT_EQ(output.position(), 11U * 960);
  ASSERT_TRUE(output.finish());
  std::vector<OggPageView> pages;
  const auto packets = packets_of(file.bytes, &pages);
  ASSERT_EQ(pages.size(), 6U);
  EXPECT_EQ(pages[0].flags, kOggFirst);
  EXPECT_EQ(std::string(as_text(packets[0])).substr(0, 8), "OpusHead");
  EXPECT_EQ(packets[0][9], 1);
  EXPECT_NE(std::string(as_text(packets[1])).find("ARTIST=Ada \"the first\""), std::string::npos);
  EXPECT_EQ(pages[2].granule, 4'800U);
  EXPECT_EQ(pages[3].granule, 9'600U);
  EXPECT_EQ(pages[5].flags, kOggLast);
  EXPECT_EQ(pages[5].granule, 10'560U);
  for (std::size_t i = 0; i < pages.size(); ++i) EXPECT_EQ(pages[i].sequence, i);
  EXPECT_EQ(output.bytes(), file.bytes.size());
}

TEST(OpusOutput, FillsInTheLastPacketsMode) {
  struct Case {
    std::uint8_t toc, twenty, ten;
  };
  const std::vector<Case> cases = {
      {0x00, 0x08, 0x00},  // SILK NB 10 ms
      {0x5f, 0x4c, 0x44},  // SILK WB 60 ms, stereo, code 3
      {0x60, 0x68, 0x60},  // hybrid SWB 10 ms
      {0x7b, 0x78, 0x70},  // hybrid FB 20 ms, code 3
      {0x80, 0x98, 0x90},  // CELT NB 2.5 ms
      {0xfc, 0xfc, 0xf4},  // CELT FB 20 ms, stereo
  };
  for (const auto& c : cases) {
    EXPECT_EQ(filler_toc(c.toc, true), c.twenty) << int{c.toc};
    EXPECT_EQ(filler_toc(c.toc, false), c.ten) << int{c.toc};
  }
}

TEST(OpusOutput, SilenceBeforeTheFirstPacketThenConcealment) {
  MemoryFile file;
  OpusOutput output(file, 7, {});
  output.fill(48'000 + 200);
  EXPECT_EQ(output.position(), 48'000U);
  output.add(kSpeech);
  output.fill(1'440 + 300);  // 36 ms: 40
  EXPECT_EQ(output.position(), 48'960U + 1'920);
  ASSERT_TRUE(output.finish());
  const auto packets = packets_of(file.bytes);
  EXPECT_EQ(packets[2], (ByteBuffer{0xf8, 0xff, 0xfe}));
  EXPECT_EQ(packets[3], ByteBuffer{0xf8});
  EXPECT_EQ(packets[52], kSpeech);
  EXPECT_EQ(packets[53], ByteBuffer{0x48});
  EXPECT_EQ(packets.size(), 2U + 50 + 1 + 2 + 1);
}

TEST(OpusOutput, TakesStereoFromTheFirstPacket) {
  MemoryFile file;
  OpusOutput output(file, 7, {});
  output.add(ByteBuffer{0xfc, 1, 2});
  ASSERT_TRUE(output.finish());
  EXPECT_EQ(packets_of(file.bytes)[0][9], 2);
}

TEST(OpusOutput, ARefusedPageFallsBackAndTheFileStaysWhole) {
  MemoryFile file;
  OpusOutput output(file, 7, {});
  for (int i = 0; i < 6; ++i) output.add(kSpeech);
  ASSERT_TRUE(output.flush());
  const auto before = file.bytes.size();
  file.full = true;
  for (int i = 0; i < 3; ++i) output.add(kSpeech);
  EXPECT_EQ(output.position(), 9U * 960);
  EXPECT_FALSE(output.flush());
  EXPECT_EQ(output.position(), 6U * 960);
  file.full = false;
  output.fill(3 * 960);
  output.add(kSpeech);
  ASSERT_TRUE(output.finish());
  EXPECT_GT(file.bytes.size(), before);
  const auto scan = scan_ogg(file.bytes);
  EXPECT_EQ(scan.good_bytes, file.bytes.size());
  EXPECT_EQ(scan.granule, 10U * 960);
}

TEST(OpusOutput, HeadersThatWereRefusedComeLater) {
  MemoryFile file;
  file.full = true;
  OpusOutput output(file, 7, {});
  output.add(kSpeech);
  EXPECT_FALSE(output.flush());
  EXPECT_FALSE(output.begun());
  EXPECT_EQ(output.position(), 0U);
  file.full = false;
  output.add(kSpeech);
  ASSERT_TRUE(output.finish());
  EXPECT_EQ(scan_ogg(file.bytes).good_bytes, file.bytes.size());
}

TEST(OpusOutput, RefusesWhatIsNoPacket) {
  MemoryFile file;
  OpusOutput output(file, 7, {});
  for (const ByteBuffer& bad : {ByteBuffer{}, ByteBuffer{0x4b}, ByteBuffer{0x4b, 0x3f}}) {
    EXPECT_EQ(output.samples_of(bad), 0U);
    output.add(bad);
  }
  EXPECT_EQ(output.position(), 0U);
  EXPECT_EQ(output.samples_of(kSpeech), 960U);
  EXPECT_TRUE(output.is_pause(ByteBuffer{0x48}));
  EXPECT_FALSE(output.is_pause(kSpeech));
}

}  // namespace
}  // namespace parley::recorder
