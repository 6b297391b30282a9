#include "mcu/store/recording_index.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <ctime>
#include <filesystem>
#include <fstream>

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
