#include "mcu/recording/manifest.hpp"

#include <gtest/gtest.h>

#include <boost/json/serialize.hpp>

#include "mcu/recording/folder_repair.hpp"

namespace parley::recording {
namespace {

Manifest example() {
  Manifest m;
  m.id = "aB3";
  m.room = "standup";
  m.state = "finished";
  m.started_ms = 1'795'000'000'000;
  m.duration_ms = 5'000;
  m.people.push_back({"p1", "Zoë \"O'Hara\" <../../etc/passwd> 😀", false, 10, 20});
  m.mixdown.file = "mixdown.opus";
  m.mixdown.bytes = 5;
  TrackInfo track;
  track.file = "tracks/p1-1.opus";
  track.participant = "p1";
  track.crc32 = "00ff00ff";
  track.worst_ms = 1.5;
  m.tracks.push_back(track);
  m.talks.push_back({"p1", 100, -1});
  m.mutes.push_back({"p1", 7, true});
  m.troubles.push_back({"the disk took nothing", 1, 2});
  return m;
}

TEST(Manifest, ReadsBackWhatItWrote) {
  const auto text = boost::json::serialize(to_json(example()));
  const auto back = read_manifest(text);
  ASSERT_TRUE(back);
  EXPECT_EQ(boost::json::serialize(to_json(*back)), text);
}

TEST(Manifest, TakesNoFilesButItsOwn) {
  auto m = example();
  for (const char* file : {"../secret.opus", "tracks/../../x.opus", "tracks/a/b.opus", "tracks/.opus",
                           "/etc/passwd", "tracks/x.opus.sh", "tracks/CON"}) {
    EXPECT_FALSE(valid_track_file(file)) << file;
    m.tracks.push_back(m.tracks.front());
    m.tracks.back().file = file;
  }
  m.mixdown.file = "../mixdown.opus";
  const auto back = read_manifest(boost::json::serialize(to_json(m)));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->tracks.size(), 1U);
  EXPECT_TRUE(back->mixdown.file.empty());
}

TEST(Manifest, RefusesWhatIsNone) {
  for (const char* text : {"", "{", "[]", "{}", R"({"version":2,"id":"a"})", R"({"version":1,"id":"../a"})",
                           R"({"version":1,"id":7})"})
    EXPECT_FALSE(read_manifest(text)) << text;
  EXPECT_FALSE(read_manifest(std::string(1'000, '[')));
  EXPECT_TRUE(read_manifest(R"({"version":1,"id":"a","tracks":[1,null,{"file":7}],"participants":"x"})"));
}

TEST(Manifest, FoldersHaveOneShape) {
  EXPECT_EQ(folder_of(1'795'608'000'000, "abc"), "2026/11/25/abc");
  EXPECT_TRUE(valid_folder("2026/11/25/abc"));
  for (const char* folder :
       {"", "2026/11/25/", "2026/11/25/a/b", "../11/25/abc", "2026/11/25/..", "2026-11-25/abc"})
    EXPECT_FALSE(valid_folder(folder)) << folder;
}

}  // namespace
}  // namespace parley::recording
