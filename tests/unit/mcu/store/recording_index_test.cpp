#include "mcu/store/recording_index.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <ctime>
#include <filesystem>
#include <fstream>

#include "mcu/store/sqlite.hpp"

namespace parley::store {
namespace {

namespace fs = std::filesystem;

class RecordingIndexTest : public ::testing::Test {
 protected:
  RecordingIndexTest() {
    folder_ = fs::temp_directory_path() / ("parley-store-" + std::to_string(::getpid()));
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  ~RecordingIndexTest() override { fs::remove_all(folder_); }
  std::string path() const { return folder_ / "parley.db"; }
  std::unique_ptr<RecordingIndex> open() {
    auto index = RecordingIndex::open(path());
    EXPECT_TRUE(index) << index.error().what;
    return std::move(index).value();
  }
  static RecordingRow row(const std::string& id, const std::string& room, std::int64_t started_ms) {
    RecordingRow r;
    r.id = id;
    r.room = room;
    r.folder = "2026/11/25/" + id;
    r.state = "finished";
    r.started_ms = started_ms;
    r.duration_ms = 1'000;
    r.bytes = 10;
    r.participants = 2;
    r.tracks = 2;
    return r;
  }
  fs::path folder_;
};

TEST_F(RecordingIndexTest, KeepsFindsReplacesAndRemoves) {
  const auto index = open();
  auto one = row("a1", "standup", 5);
  ASSERT_TRUE(index->put(one));
  EXPECT_EQ(**index->find("a1"), one);
  one.state = "interrupted";
  ASSERT_TRUE(index->put(one));
  EXPECT_EQ((*index->find("a1"))->state, "interrupted");
  EXPECT_EQ(*index->total_bytes(), 10);
  ASSERT_TRUE(index->remove("a1"));
  EXPECT_FALSE(*index->find("a1"));
}

// A database as version 1 of the schema wrote it.
TEST_F(RecordingIndexTest, BringsAnOlderSchemaUpToDate) {
  {
    auto old = Database::open(path());
    ASSERT_TRUE(old);
    ASSERT_TRUE(old->run(
        R"(CREATE TABLE recordings (
             id TEXT PRIMARY KEY, room TEXT NOT NULL, folder TEXT NOT NULL, state TEXT NOT NULL,
             started_ms INTEGER NOT NULL, duration_ms INTEGER NOT NULL, bytes INTEGER NOT NULL,
             participants INTEGER NOT NULL, tracks INTEGER NOT NULL) WITHOUT ROWID;
           CREATE INDEX by_start ON recordings (started_ms);
           CREATE INDEX by_room ON recordings (room, started_ms);
           INSERT INTO recordings VALUES ('a1', 'standup', '2026/11/25/a1', 'finished', 5, 1000, 10, 2, 2);
           PRAGMA user_version = 1)"));
  }
  const auto index = open();
  EXPECT_EQ(index->schema(), RecordingIndex::kSchema);
  EXPECT_EQ(**index->find("a1"), row("a1", "standup", 5));
  EXPECT_TRUE(index->owed(10)->empty());
}

TEST_F(RecordingIndexTest, WhatOwesSomethingIsNotForDeleting) {
  const auto index = open();
  for (const std::string delivery : {"", "pending", "done", "failed"}) {
    auto one = row("r" + delivery, "room", 5);
    one.delivery = delivery;
    ASSERT_TRUE(index->put(one));
  }
  auto running = row("running", "room", 5);
  running.state = "recording";
  running.delivery = "pending";
  ASSERT_TRUE(index->put(running));
  ASSERT_EQ(index->owed(10)->size(), 1U);
  EXPECT_EQ(index->owed(10)->front().id, "rpending");
  EXPECT_EQ(index->oldest(10)->size(), 3U);
}

TEST_F(RecordingIndexTest, SurvivesBeingOpenedAgain) {
  ASSERT_TRUE(open()->put(row("a1", "standup", 5)));
  EXPECT_TRUE(*open()->find("a1"));
  EXPECT_EQ(open()->schema(), RecordingIndex::kSchema);
}

TEST_F(RecordingIndexTest, FiltersAndPages) {
  const auto index = open();
  for (int i = 0; i < 20; ++i)
    ASSERT_TRUE(index->put(row("r" + std::to_string(i), i % 2 == 0 ? "even" : "odd", 1'000 * i)));
  RecordingFilter filter;
  filter.room = "even";
  filter.from_ms = 4'000;
  filter.to_ms = 16'000;
  filter.limit = 3;
  filter.offset = 1;
  const auto page = index->list(filter);
  ASSERT_TRUE(page);
  EXPECT_EQ(page->total, 6U);
  ASSERT_EQ(page->rows.size(), 3U);
  EXPECT_EQ(page->rows[0].id, "r12");
  EXPECT_EQ(page->rows[2].id, "r8");
}

TEST_F(RecordingIndexTest, TextIsNeverACommand) {
  const auto index = open();
  const std::vector<std::string> texts = {
      "'; DROP TABLE recordings; --", "\" OR 1=1", "%", "\\", "x' OR 'a'='a",
      std::string("nul\0here", 8),    "😀"};
  int i = 0;
  for (const auto& text : texts) {
    ASSERT_TRUE(index->put(row("id" + std::to_string(i), text, i + 1)));
    ++i;
  }
  for (const auto& text : texts) {
    RecordingFilter filter;
    filter.room = text;
    const auto page = index->list(filter);
    ASSERT_TRUE(page);
    ASSERT_EQ(page->total, 1U) << text;
    EXPECT_EQ(page->rows[0].room, text);
    EXPECT_FALSE(*index->find(text));
  }
}

TEST_F(RecordingIndexTest, AnIndexOfTheFutureIsLeftAlone) {
  ASSERT_TRUE(open()->put(row("a1", "standup", 5)));
  ASSERT_EQ(std::system(("sqlite3 -version > /dev/null 2>&1 && sqlite3 " + path() +
                         " 'PRAGMA user_version = 99'" + " || printf '\\000\\000\\000\\143' | dd of=" +
                         path() + " bs=1 seek=60 conv=notrunc status=none")
                            .c_str()),
            0);
  const auto index = RecordingIndex::open(path());
  ASSERT_FALSE(index);
  EXPECT_NE(index.error().what.find("newer version"), std::string::npos) << index.error().what;
}

std::vector<std::string> schema_of(const std::string& path) {
  const auto database = Database::open(path);
  EXPECT_TRUE(database);
  std::vector<std::string> out;
  Statement each(*database,
                 "SELECT type || ' ' || name || ' ' || coalesce(sql, '') FROM sqlite_master ORDER BY 1");
  while (each.step()) {
    std::string text = each.text(0);
    std::erase_if(text, [](char c) { return c == ' ' || c == '\n'; });
    out.push_back(text);
  }
  return out;
}

// An index of every version there has been (golden/schema-N.sql) opens, keeps what it holds, and ends up with
// the schema of a new one.
TEST_F(RecordingIndexTest, OldIndexesAreMigrated) {
  const std::string fresh = folder_ / "fresh.db";
  ASSERT_TRUE(RecordingIndex::open(fresh));
  for (int version = 1; version <= RecordingIndex::kSchema; ++version) {
    std::ifstream in(PARLEY_GOLDEN "/schema-" + std::to_string(version) + ".sql");
    const std::string sql{std::istreambuf_iterator<char>(in), {}};
    ASSERT_FALSE(sql.empty()) << "no golden index of version " << version;
    {
      auto old = Database::open(path());
      ASSERT_TRUE(old);
      ASSERT_TRUE(old->run(sql.c_str()));
    }
    {
      const auto index = open();
      EXPECT_EQ(index->schema(), RecordingIndex::kSchema);
      const auto page = index->list({});
      ASSERT_TRUE(page);
      ASSERT_EQ(page->total, 2U);
      EXPECT_EQ(page->rows[0].room, "'; DROP TABLE recordings; --");
      EXPECT_EQ(page->rows[1].folder, "2026/11/25/aB3");
      EXPECT_EQ(page->rows[1].bytes, 123'456);
      EXPECT_TRUE(index->put(row("new", "room", 1)));
    }
    EXPECT_EQ(schema_of(path()), schema_of(fresh)) << "from version " << version;
    for (const char* part : {"", "-wal", "-shm"}) fs::remove(path() + part);
  }
}

TEST_F(RecordingIndexTest, WhatIsNoDatabaseIsAnError) {
  std::ofstream(path()) << "This is not a database, but long enough to look at: " << std::string(4'096, 'x');
  EXPECT_FALSE(RecordingIndex::open(path()));
}

TEST_F(RecordingIndexTest, APageOfTenThousandIsCheap) {
  const auto index = open();
  for (int i = 0; i < 10'000; ++i)
    ASSERT_TRUE(index->put(row("r" + std::to_string(i), "room" + std::to_string(i % 50), i)));
  RecordingFilter filter;
  filter.offset = 5'000;
  const auto begun = std::clock();
  const auto page = index->list(filter);
  const double ms = 1e3 * static_cast<double>(std::clock() - begun) / CLOCKS_PER_SEC;
  EXPECT_EQ(page->total, 10'000U);
  EXPECT_EQ(page->rows.size(), 50U);
  RecordProperty("cpu_us", static_cast<int>(ms * 1e3));
  std::printf("a page of 50 among 10,000: %.2f ms of CPU\n", ms);
  EXPECT_LT(ms, 20);
}

}  // namespace
}  // namespace parley::store
