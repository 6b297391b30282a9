#include "mcu/recording/measurer.hpp"

#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>

#include "mcu/recording/catalogue.hpp"
#include "mcu/recording/folder_repair.hpp"
#include "mcu/recording/picture.hpp"
#include "pipelines/recorder/comment_header.hpp"
#include "tests/support/speech.hpp"
#include "tests/unit/mcu/recording/support.hpp"
#include "tests/unit/pipelines/recorder/written_track.hpp"

namespace parley::recording {
namespace {

struct MeasurerTest : ::testing::Test {
  Folder folder{"measurer"};
  PosixDisk disk{folder.path()};

  Manifest finished(const std::string& id, double amplitude) {
    Manifest m;
    m.id = id;
    m.room = "standup";
    m.state = "finished";
    m.started_ms = 1'795'608'000'000;
    m.duration_ms = 4'000;
    m.folder = folder_of(m.started_ms, id);
    m.people.push_back({"alice", "Alice", true, 0, -1});
    m.talks.push_back({"alice", 500, -1});
    m.mutes.push_back({"alice", 3'000, true});
    m.mixdown.file = "mixdown.opus";
    for (const auto& [file, bytes] :
         {std::pair("tracks/alice-1.opus", recorder::opus_track(test::tone(4, 440, amplitude))),
          std::pair("tracks/alice-2.oga", recorder::flac_track(test::tone(4, 440, amplitude))),
          std::pair("mixdown.opus", recorder::opus_track(std::vector<float>(96'000)))}) {
      EXPECT_TRUE(disk.replace(m.folder + "/" + file, std::string(as_text(bytes))));
      if (std::string(file) == "mixdown.opus") continue;
      TrackInfo track;
      track.file = file;
      track.participant = "alice";
      m.tracks.push_back(track);
    }
    return m;
  }
  std::string path(const Manifest& m, const std::string& file) const {
    return folder.path() + "/" + m.folder + "/" + file;
  }
};

// What a measurer tells.
class Told {
 public:
  void tell(const std::string& id, const Measured& measured) {
    const std::lock_guard lock(lock_);
    told_.emplace_back(id, measured);
    changed_.notify_all();
  }
  std::vector<std::pair<std::string, Measured>> wait(std::size_t count) {
    std::unique_lock lock(lock_);
    changed_.wait_for(lock, 30s, [&] { return told_.size() >= count; });
    return told_;
  }

 private:
  std::mutex lock_;
  std::condition_variable changed_;
  std::vector<std::pair<std::string, Measured>> told_;
};

TEST_F(MeasurerTest, FilesGetTheirGainAndTheManifestItsLevels) {
  auto catalogue = Catalogue::open(folder.path(), disk).value();
  const auto m = finished("one", 0.1);
  ASSERT_TRUE(catalogue->complete(m));
  const auto before = catalogue->manifest(*catalogue->find("one"))->tracks[0].crc32;
  const auto size = std::filesystem::file_size(path(m, "tracks/alice-1.opus"));
  Told told;
  Measurer measurer(folder.path(), [&](const auto& id, const auto& measured) { told.tell(id, measured); });
  ASSERT_TRUE(measurer.add(m));
  const auto all = told.wait(1);
  ASSERT_EQ(all.size(), 1U);
  ASSERT_EQ(all[0].second.size(), 3U);
  catalogue->note_loudness("one", all[0].second);

  const auto noted = catalogue->manifest(*catalogue->find("one"));
  ASSERT_TRUE(noted);
  for (const auto& track : noted->tracks) {
    const auto file = slurp(path(m, track.file));
    const auto gain = recorder::read_gain(as_bytes(file));
    ASSERT_TRUE(gain) << track.file;
    ASSERT_TRUE(track.loudness_lufs);
    EXPECT_NEAR(*gain, -23 - *track.loudness_lufs, 0.1);
    EXPECT_NEAR(*track.loudness_lufs, -23.7, 1.5) << "a sine of -20 dB";
    EXPECT_EQ(recorder::scan_ogg(as_bytes(file)).good_bytes, file.size()) << "a page is damaged";
    EXPECT_EQ(track.levels.size(), 40U) << track.file;
    EXPECT_EQ(track.levels_step_ms, 100);
    EXPECT_EQ(track.crc32, catalogue->open_file(*catalogue->find("one"), track.file)->crc32());
  }
  EXPECT_NE(noted->tracks[0].crc32, before);
  EXPECT_EQ(std::filesystem::file_size(path(m, "tracks/alice-1.opus")), size) << "nothing has moved";
  EXPECT_FALSE(noted->mixdown.loudness_lufs) << "silence has no loudness";
  EXPECT_FALSE(recorder::read_gain(as_bytes(slurp(path(m, "mixdown.opus")))));

  const auto picture = timeline_of(*noted);
  ASSERT_EQ(picture.lanes.size(), 1U);
  EXPECT_EQ(picture.lanes[0].levels.size(), 2U);
  EXPECT_EQ(picture.lanes[0].mutes[0].to_ms, 4'000);
  EXPECT_EQ(picture.lanes[0].talks[0].to_ms, 4'000);

  const auto again = read_manifest(slurp(path(m, "recording.json")));
  ASSERT_TRUE(again);
  EXPECT_EQ(again->tracks[0].levels, noted->tracks[0].levels);
}

TEST_F(MeasurerTest, WhatIsGoneOrUnreadableIsLeftOut) {
  const auto gone = finished("gone", 0.1), broken = finished("broken", 0.1);
  std::filesystem::remove_all(folder.path() + "/" + gone.folder);
  ASSERT_TRUE(disk.replace(broken.folder + "/tracks/alice-1.opus", std::string(5'000, 'x')));
  Told told;
  Measurer measurer(folder.path(), [&](const auto& id, const auto& measured) { told.tell(id, measured); });
  ASSERT_TRUE(measurer.add(gone));
  ASSERT_TRUE(measurer.add(broken));
  const auto all = told.wait(2);
  ASSERT_EQ(all.size(), 2U);
  EXPECT_TRUE(all[0].second.empty());
  EXPECT_EQ(all[1].second.size(), 2U);
  EXPECT_FALSE(write_gain(folder.path(), broken.folder + "/tracks/alice-1.opus", -20));
  auto catalogue = Catalogue::open(folder.path(), disk).value();
  catalogue->note_loudness("gone", all[1].second);
  EXPECT_FALSE(std::filesystem::exists(folder.path() + "/" + gone.folder)) << "it has come back";
}

TEST_F(MeasurerTest, StopsAtOnceAndTakesNothingMore) {
  const auto m = finished("one", 0.1);
  Told told;
  Measurer measurer(folder.path(), [&](const auto& id, const auto& measured) { told.tell(id, measured); });
  measurer.stop();
  EXPECT_FALSE(measurer.add(m));
  EXPECT_TRUE(told.wait(0).empty());
}

}  // namespace
}  // namespace parley::recording
