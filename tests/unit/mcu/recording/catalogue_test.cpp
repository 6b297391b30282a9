#include "mcu/recording/catalogue.hpp"

#include <gtest/gtest.h>

#include <boost/json/serialize.hpp>

#include "mcu/recording/folder_repair.hpp"
#include "tests/unit/mcu/recording/support.hpp"

namespace parley::recording {
namespace {

struct CatalogueTest : ::testing::Test {
  Folder folder{"catalogue"};
  PosixDisk disk{folder.path()};
  const TimePoint origin{1'000s};

  std::unique_ptr<Catalogue> open() {
    auto catalogue = Catalogue::open(folder.path(), disk);
    EXPECT_TRUE(catalogue) << catalogue.error().what;
    return std::move(catalogue).value();
  }
  // As a crash leaves it: not finished, and with half a page at its end.
  Manifest crashed(const std::string& id, const std::string& room,
                   std::int64_t started_ms = 1'795'608'000'000) {
    Recording recording(disk, {id, room, folder_of(started_ms, id), origin, started_ms});
    recording.attach({LegId{1}, "alice", "Zoë", Codec::opus});
    recording.joined(origin, "alice", "Zoë", true);
    for (std::uint32_t i = 0; i < 300; ++i) {
      recording.push(LegId{1}, numbered(i, origin + 20ms * i + 20ms));
      recording.push_mix(numbered(i, origin + 20ms * i + 20ms));
      recording.step(origin + 20ms * i + 20ms);
    }
    recording.save(origin + 6s);
    const auto track = folder.path() + "/" + folder_of(started_ms, id) + "/tracks/alice-1.opus";
    std::ofstream(track, std::ios::binary | std::ios::app) << std::string("OggS\0\0half a page", 17);
    return recording.manifest();
  }
};

TEST_F(CatalogueTest, RepairsWhatACrashHasLeftAndOnlyThat) {
  {
    const auto catalogue = open();
    EXPECT_TRUE(catalogue->enter(crashed("crashed1", "standup")));
  }
  crashed("unlisted", "other");  // it had not reached the index yet
  const auto catalogue = open();
  for (const auto* id : {"crashed1", "unlisted"}) {
    const auto row = catalogue->find(id);
    ASSERT_TRUE(row) << id;
    EXPECT_EQ(row->state, "interrupted");
    const auto manifest = catalogue->manifest(*row);
    ASSERT_TRUE(manifest);
    ASSERT_EQ(manifest->tracks.size(), 1U);
    EXPECT_EQ(manifest->people.at(0).name, "Zoë");
    const auto track = content_of(folder.path() + "/" + row->folder + "/tracks/alice-1.opus");
    EXPECT_TRUE(track.whole && track.closed);
    EXPECT_GE(track.last, 290);
    EXPECT_EQ(manifest->tracks[0].duration_ms, track.ms);
    EXPECT_EQ(manifest->tracks[0].crc32, catalogue->open_file(*row, "tracks/alice-1.opus")->crc32());
  }
  const auto before = slurp(folder.path() + "/" + catalogue->find("crashed1")->folder + "/recording.json");
  const auto again = open();
  EXPECT_EQ(slurp(folder.path() + "/" + again->find("crashed1")->folder + "/recording.json"), before);
}

TEST_F(CatalogueTest, TheIndexCanBeRebuiltFromTheFolders) {
  std::vector<store::RecordingRow> rows;
  {
    const auto catalogue = open();
    for (const auto* id : {"one", "two", "three"}) EXPECT_TRUE(catalogue->enter(crashed(id, "room")));
  }
  {
    const auto catalogue = open();
    rows = catalogue->list({})->rows;
  }
  std::ofstream(folder.path() + "/parley.db") << "garbage, and quite a lot of it" << std::string(5'000, 'x');
  const auto catalogue = open();
  EXPECT_EQ(catalogue->list({})->rows, rows);
  EXPECT_TRUE(std::filesystem::exists(folder.path() + "/parley.db.broken"));
  EXPECT_EQ(*catalogue->rebuild(), 3U);
}

TEST_F(CatalogueTest, AFolderWithoutItsPageIsMadeUpFromItsFiles) {
  const auto m = crashed("nojson", "standup");
  std::filesystem::remove(folder.path() + "/" + m.folder + "/recording.json");
  const auto catalogue = open();
  const auto row = catalogue->find("nojson");
  ASSERT_TRUE(row);
  EXPECT_EQ(row->room, "standup");
  const auto made = catalogue->manifest(*row);
  ASSERT_TRUE(made);
  EXPECT_EQ(made->people.at(0).name, "Zoë");
  EXPECT_EQ(made->tracks.at(0).participant, "alice");
}

TEST_F(CatalogueTest, FindsNothingOutsideItself) {
  const auto catalogue = open();
  for (const auto* id : {"", "..", "../../etc/passwd", "a/b", "a'--", "\xf0\x9f\x98\x80"}) {
    EXPECT_FALSE(catalogue->find(id)) << id;
    EXPECT_FALSE(catalogue->remove(id)) << id;
  }
  // A row that somebody has forged.
  auto row = to_row(crashed("real", "room"));
  row.folder = "../../../etc";
  EXPECT_FALSE(catalogue->open_file(row, "passwd"));
}

TEST_F(CatalogueTest, RetentionTakesTheOldestFirstAndNeverARunningOne) {
  constexpr std::int64_t kDay = 86'400'000, kNow = 1'795'608'000'000;
  const auto catalogue = open();
  for (int age = 1; age <= 5; ++age) {
    auto m = crashed("age" + std::to_string(age), "room", kNow - age * kDay);
    m.state = age == 5 ? "recording" : "finished";
    EXPECT_TRUE(age < 5 ? catalogue->complete(m) : catalogue->enter(m));
  }
  EXPECT_EQ(catalogue->retain({3, 0}, kNow), 1U);
  EXPECT_FALSE(catalogue->find("age4"));
  EXPECT_TRUE(catalogue->find("age5"));
  const auto bytes = static_cast<std::uint64_t>(catalogue->find("age1")->bytes);
  EXPECT_EQ(catalogue->retain({0, 3 * bytes}, kNow), 1U);
  EXPECT_FALSE(catalogue->find("age3"));
  EXPECT_TRUE(catalogue->find("age1"));
  EXPECT_FALSE(catalogue->remove("age5"));
}

TEST_F(CatalogueTest, WhatIsOwedIsRememberedAndKeepsTheFolder) {
  {
    auto opened = Catalogue::open(folder.path(), disk, {}, {"webhook", "hook"});
    ASSERT_TRUE(opened);
    auto& all = **opened;
    auto m = crashed("owes", "room", 1'000);
    m.state = "finished";
    ASSERT_TRUE(all.complete(m));
    ASSERT_TRUE(all.enter(crashed("cutoff", "room", 2'000)));  // and then the server is killed
    all.settle("owes", {"webhook", "done", 1, ""});
    EXPECT_EQ(all.find("owes")->delivery, "pending");
    EXPECT_EQ(all.retain({1, 0}, 100 * 86'400'000LL), 0U);
  }
  const auto all = open();  // nothing is asked for any more; what was promised stands
  ASSERT_TRUE(all->rebuild());
  EXPECT_EQ(all->manifest(*all->find("owes"))->deliveries.size(), 2U);
  EXPECT_EQ(all->owed(10).size(), 1U);
  all->settle("owes", {"hook", "done", 3, ""});
  EXPECT_EQ(all->find("owes")->delivery, "done");
  EXPECT_EQ(all->retain({1, 0}, 100 * 86'400'000LL), 2U);
}

TEST_F(CatalogueTest, WhatACrashCutOffIsOwedToo) {
  ASSERT_TRUE(open()->enter(crashed("cutoff", "room")));
  const auto all = Catalogue::open(folder.path(), disk, {}, {"webhook"});
  ASSERT_TRUE(all);
  ASSERT_EQ((*all)->owed(10).size(), 1U);
  EXPECT_EQ((*all)->owed(10).front().state, "interrupted");
}

}  // namespace
}  // namespace parley::recording
