#include "pipelines/streams/hls_folder.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

namespace parley::streams {
namespace {

namespace fs = std::filesystem;

void put(ByteBuffer& out, std::uint32_t value) {
  for (const unsigned shift : {24U, 16U, 8U, 0U}) out.push_back(static_cast<std::uint8_t>(value >> shift));
}
ByteBuffer box(std::string_view type, const ByteBuffer& body) {
  ByteBuffer out;
  put(out, static_cast<std::uint32_t>(8 + body.size()));
  out.insert(out.end(), type.begin(), type.end());
  out.insert(out.end(), body.begin(), body.end());
  return out;
}
ByteBuffer words(std::initializer_list<std::uint32_t> values) {
  ByteBuffer out;
  for (const auto value : values) put(out, value);
  return out;
}
ByteBuffer operator+(ByteBuffer a, const ByteBuffer& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

ByteBuffer header(std::uint32_t timescale) {
  return box("moov", box("trak", box("mdia", box("mdhd", words({0, 0, 0, timescale, 0, 0})))));
}
// `frames` AAC frames of 1024 samples.
ByteBuffer fragment(std::uint32_t frames, std::uint32_t tfhd_flags = 0) {
  ByteBuffer run = words({0x000301, frames, 0});
  for (std::uint32_t i = 0; i < frames; ++i) run = run + words({1024, 1});
  return box("moof", box("mfhd", words({0, 1})) +
                         box("traf", box("tfhd", words({tfhd_flags, 1})) + box("trun", run)));
}

TEST(Mp4Cutter, MakesAnInitialisationAndSegmentsHoweverItsInputIsCut) {
  const auto stream = box("ftyp", words({1, 2})) + header(48'000) + fragment(93) +
                      box("mdat", ByteBuffer(93, 7)) + fragment(5) + box("mdat", ByteBuffer(5, 8)) +
                      box("mfra", words({0}));
  for (const std::size_t step : {stream.size(), std::size_t{1}, std::size_t{57}}) {
    std::vector<ByteBuffer> inits, segments;
    std::vector<Duration> lengths;
    Mp4Cutter cutter([&](Bytes init) { inits.emplace_back(init.begin(), init.end()); },
                     [&](Bytes segment, Duration length) {
                       segments.emplace_back(segment.begin(), segment.end());
                       lengths.push_back(length);
                     });
    for (std::size_t at = 0; at < stream.size(); at += step)
      ASSERT_TRUE(cutter.push(Bytes(stream).subspan(at, std::min(step, stream.size() - at))));
    ASSERT_EQ(inits.size(), 1U);
    EXPECT_NE(as_text(inits[0]).find("cmfc"), std::string::npos);
    EXPECT_TRUE(as_text(inits[0]).ends_with(as_text(header(48'000))));
    ASSERT_EQ(segments.size(), 2U);
    EXPECT_EQ(segments[0].size(), fragment(93).size() + 8 + 93);
    EXPECT_NEAR(to_seconds(lengths[0]), 93 * 1024 / 48'000.0, 1e-6);
    EXPECT_NEAR(to_seconds(lengths[1]), 5 * 1024 / 48'000.0, 1e-6);
    // default-base-is-moof
    EXPECT_NE(as_text(segments[0]).find(std::string("tfhd\0\2\0\0", 8)), std::string::npos);
  }
}

TEST(Mp4Cutter, WhatIsNoFragmentOfOneTrackIsAnError) {
  const struct Row {
    const char* what;
    ByteBuffer bytes;
  } rows[] = {
      {"too small a box", words({7, 0})},
      {"too large a box", words({0x7fffffff, 0})},
      {"a box up to the end", words({0, 0})},
      {"a fragment before the header", fragment(1)},
      {"no track", box("moov", {})},
      {"a child longer than its parent", box("moov", words({0x100, 0}))},
      {"an empty mdhd", box("moov", box("trak", box("mdia", box("mdhd", {}))))},
      {"no timescale", header(0)},
      {"no track run", header(48'000) + box("moof", box("traf", box("tfhd", words({0, 1}))))},
      {"absolute offsets", header(48'000) + fragment(1, 1)},
      {"more samples than bytes",
       header(48'000) +
           box("moof", box("traf", box("tfhd", words({0, 1})) + box("trun", words({0x100, 1'000}))))},
      {"no durations", header(48'000) + box("moof", box("traf", box("tfhd", words({0, 1})) +
                                                                    box("trun", words({0x200, 1, 1}))))},
  };
  for (const auto& row : rows) {
    Mp4Cutter cutter([](Bytes) {}, [](Bytes, Duration) {});
    EXPECT_FALSE(cutter.push(row.bytes)) << row.what;
  }
}

TEST(HlsPlaylist, IsAWindowThatSlides) {
  HlsPlaylist playlist("init.mp4");
  std::set<std::string> there;
  for (int i = 0; i < 40; ++i) {
    const auto name = "s" + std::to_string(i) + ".m4s";
    playlist.add(name, 1'984ms);
    there.insert(name);
    for (const auto& gone : playlist.take_expired()) there.erase(gone);
  }
  const auto text = playlist.text(false);
  EXPECT_EQ(text,
            "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:34\n"
            "#EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-MAP:URI=\"init.mp4\"\n"
            "#EXTINF:1.98400,\ns34.m4s\n#EXTINF:1.98400,\ns35.m4s\n#EXTINF:1.98400,\ns36.m4s\n"
            "#EXTINF:1.98400,\ns37.m4s\n#EXTINF:1.98400,\ns38.m4s\n#EXTINF:1.98400,\ns39.m4s\n");
  EXPECT_EQ(playlist.text(true), text + "#EXT-X-ENDLIST\n");
  // What has left the window stays as long as a playlist that lists it may be in use.
  EXPECT_EQ(there.size(), 2 * kHlsWindow + 1);
}

TEST(HlsFolder, TakesOutWhatAnEarlierRunHasLeftAndNothingElse) {
  char name[] = "/tmp/parley-hls-test-XXXXXX";
  const fs::path folder = ::mkdtemp(name);
  for (const char* file : {"a.ts", "live.m3u8", "b.m4s", "init.mp4", "c.part", "mine.txt"})
    std::ofstream(folder / file) << "x";
  ASSERT_TRUE(prepare_hls(folder, Segments::fmp4, 128'000));
  std::set<std::string> left;
  for (const auto& entry : fs::directory_iterator(folder)) left.insert(entry.path().filename());
  EXPECT_EQ(left, (std::set<std::string>{"master.m3u8", "mine.txt"}));
  std::stringstream text;
  text << std::ifstream(folder / "master.m3u8").rdbuf();
  EXPECT_NE(text.str().find("BANDWIDTH=160000"), std::string::npos);

  HlsWriter writer(folder, "7");
  ASSERT_TRUE(writer.push(header(48'000)));
  ASSERT_TRUE(writer.push(fragment(93) + box("mdat", {1, 2, 3})));
  ASSERT_TRUE(writer.end());
  EXPECT_TRUE(fs::exists(folder / "init7.mp4"));
  EXPECT_TRUE(fs::exists(folder / "s7-00000.m4s"));
  fs::remove_all(folder);
  EXPECT_FALSE(writer.push(fragment(93) + box("mdat", {1})))
      << "a folder that is gone is an error, not a crash";
  EXPECT_FALSE(prepare_hls("/proc/nowhere/x", Segments::ts, 128'000));
}

}  // namespace
}  // namespace parley::streams
