#include "mcu/store/quality_log.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "mcu/store/sqlite.hpp"

namespace parley::store {
namespace {

namespace fs = std::filesystem;
using quality::Sample;

class QualityLogTest : public testing::Test {
 protected:
  QualityLogTest() {
    char name[] = "/tmp/parley-quality-XXXXXX";
    folder_ = ::mkdtemp(name);
  }
  ~QualityLogTest() override { fs::remove_all(folder_); }
  std::string path() const { return folder_ + "/quality.db"; }
  std::unique_ptr<QualityLog> open() const {
    auto log = QualityLog::open(path());
    EXPECT_TRUE(log) << log.error().what;
    return std::move(log).value();
  }

  static Sample sample(std::int64_t at_ms, const std::string& who, const std::string& room = "standup") {
    Sample out;
    out.at_ms = at_ms;
    out.room = room;
    out.participant = who;
    out.name = "Zoë \"x\"";
    out.path = quality::kDirect;
    out.peer = "Bob";
    out.local = "192.0.2.1:4000";
    out.remote = "[2001:db8::1]:5004";
    out.round_trip_ms = 12.5;
    out.uplink = {0.25, 0.125, 3, 32, 40, 42, 120, 3.5};
    out.downlink = {0, 0, 2, 30, -1, -1, -1, 4.5};
    return out;
  }
  static std::vector<Sample> samples_of(const Result<QualityPage>& page) {
    EXPECT_TRUE(page);
    std::vector<Sample> out;
    for (const auto& row : page->rows) out.push_back(row.sample);
    return out;
  }

  std::string folder_;
};

TEST_F(QualityLogTest, GivesBackWhatItWasGivenAfterAReopening) {
  const std::vector<Sample> rows{sample(1'000, "ann"), sample(1'000, "bob"), sample(6'000, "ann")};
  ASSERT_TRUE(open()->put(rows));
  EXPECT_EQ(samples_of(open()->list({})), std::vector<Sample>(rows.rbegin(), rows.rend()));
}

TEST_F(QualityLogTest, WhatIsNotKnownStaysSo) {
  Sample nothing;
  nothing.room = "r";
  ASSERT_TRUE(open()->put(std::vector{nothing}));
  EXPECT_EQ(samples_of(open()->list({})).at(0), nothing);
  auto database = Database::open(path());
  Statement count(*database,
                  "SELECT count(*) FROM quality WHERE downlink_mos IS NULL AND uplink_loss IS NULL");
  ASSERT_TRUE(count.step());
  EXPECT_EQ(count.integer(0), 1);
}

TEST_F(QualityLogTest, FiltersByRoomParticipantPathAndTime) {
  const auto log = open();
  for (int i = 0; i < 20; ++i) {
    auto by_server = sample(i * 5'000, "bob");
    by_server.path = quality::kMcuUdp;
    ASSERT_TRUE(log->put(std::vector{sample(i * 5'000, "ann"), sample(i * 5'000, "bob"), by_server,
                                     sample(i * 5'000, "bob", "other")}));
  }
  QualityFilter filter;
  filter.room = "standup";
  filter.participant = "bob";
  filter.path = quality::kDirect;
  filter.from_ms = 10'000;
  filter.to_ms = 30'000;
  const auto found = samples_of(log->list(filter));
  ASSERT_EQ(found.size(), 4U);
  EXPECT_EQ(found.front(), sample(25'000, "bob"));
  EXPECT_EQ(found.back(), sample(10'000, "bob"));
}

TEST_F(QualityLogTest, PagesFromTheNewestToTheOldestWhileRowsAreAdded) {
  const auto log = open();
  std::vector<Sample> rows;
  for (int i = 0; i < 10; ++i) rows.push_back(sample(1'000 * (i / 3), "p" + std::to_string(i)));
  ASSERT_TRUE(log->put(rows));
  QualityFilter filter;
  filter.limit = 4;
  std::vector<Sample> all;
  for (int page_number = 0; page_number < 3; ++page_number) {
    const auto page = log->list(filter);
    const auto found = samples_of(page);
    EXPECT_EQ(page->more, page_number < 2);
    all.insert(all.end(), found.begin(), found.end());
    filter.before_id = page->rows.back().id;
    ASSERT_TRUE(log->put(std::vector{sample(1'000'000, "new")}));
  }
  EXPECT_EQ(all, std::vector<Sample>(rows.rbegin(), rows.rend()));
}

TEST_F(QualityLogTest, ForgetsByAge) {
  const auto log = open();
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(log->put(std::vector{sample(i, "ann")}));
  EXPECT_EQ(log->forget(50, 1 << 30).value(), 50);
  EXPECT_EQ(log->size().value(), 50);
  EXPECT_EQ(log->forget(50, 1 << 30).value(), 0);
}

TEST_F(QualityLogTest, ForgetsTheOldestWhenTheyTakeTooMuch) {
  const auto log = open();
  const std::vector<Sample> many(1'000, sample(1, "ann"));
  std::int64_t most = 0;
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(log->put(many));
    ASSERT_TRUE(log->forget(0, 1 << 20));
    most = std::max(most, log->bytes().value());
  }
  EXPECT_LT(most, 3 << 20);  // what is there before, and up to kForgetAtOnce that are taken away
  EXPECT_LT(log->size().value(), 10'000);
  EXPECT_GT(log->size().value(), 0);
  EXPECT_LT(static_cast<std::int64_t>(fs::file_size(path())), 4 << 20) << "the file is used again";
}

// As a disk that is full: no file of this process may grow.
TEST_F(QualityLogTest, WhatADiskRefusesIsAnErrorAndTheNextTimeIsANewOne) {
  const auto log = open();
  const std::vector<Sample> rows(500, sample(1, "ann"));
  ASSERT_TRUE(log->put(rows));
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit none{1, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &none), 0);
  const auto refused = log->put(rows);
  const auto still_read = log->list({});
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, handler);
  EXPECT_FALSE(refused);
  EXPECT_TRUE(still_read);
  EXPECT_EQ(log->size().value(), 500) << "all or none";
  ASSERT_TRUE(log->put(rows));
  EXPECT_EQ(log->size().value(), 1'000);
}

TEST_F(QualityLogTest, TextIsNeverACommand) {
  const auto log = open();
  const std::vector<std::string> texts = {"'; DROP TABLE quality; --", "%", "x' OR 'a'='a",
                                          std::string("nul\0here", 8)};
  for (const auto& text : texts) ASSERT_TRUE(log->put(std::vector{sample(1, "p", text)}));
  for (const auto& text : texts) {
    QualityFilter filter;
    filter.room = text;
    EXPECT_EQ(samples_of(log->list(filter)), std::vector{sample(1, "p", text)});
  }
}

TEST_F(QualityLogTest, APageIsBounded) {
  const auto log = open();
  ASSERT_TRUE(log->put(std::vector<Sample>(QualityLog::kMaxPage + 1, sample(1, "ann"))));
  QualityFilter filter;
  filter.limit = 1'000'000;
  const auto page = log->list(filter);
  EXPECT_EQ(page->rows.size(), QualityLog::kMaxPage);
  EXPECT_TRUE(page->more);
}

// A log of every version there has been opens, keeps what it holds, and ends up with the schema of a new one.
TEST_F(QualityLogTest, OldLogsAreMigrated) {
  const auto schema_of = [](const std::string& file) {
    const auto database = Database::open(file);
    std::vector<std::string> out;
    Statement each(*database, "SELECT type || ' ' || name || ' ' || sql FROM sqlite_master ORDER BY 1");
    while (each.step()) {
      std::string text = each.text(0);
      std::erase_if(text, [](char c) { return c == ' ' || c == '\n'; });
      out.push_back(text);
    }
    return out;
  };
  const std::string fresh = folder_ + "/fresh.db";
  ASSERT_TRUE(QualityLog::open(fresh));
  for (int version = 1; version <= QualityLog::kSchema; ++version) {
    std::ifstream in(PARLEY_GOLDEN "/quality-" + std::to_string(version) + ".sql");
    const std::string sql{std::istreambuf_iterator<char>(in), {}};
    ASSERT_FALSE(sql.empty()) << "no golden log of version " << version;
    ASSERT_TRUE(Database::open(path())->run(sql.c_str()));
    {
      const auto log = open();
      EXPECT_EQ(log->schema(), QualityLog::kSchema);
      const auto page = log->list({});
      ASSERT_TRUE(page);
      ASSERT_EQ(page->rows.size(), 2U);
      EXPECT_EQ(page->rows[0].sample.room, "'; DROP TABLE quality; --");
      EXPECT_LT(page->rows[0].sample.uplink.mos, 0);
      EXPECT_EQ(page->rows[1].id, 7);
      EXPECT_EQ(page->rows[1].sample.uplink.loss, 0.08);
      EXPECT_EQ(page->rows[1].sample.downlink.mos, 4.4);
      EXPECT_TRUE(log->put(std::vector{sample(2, "new")}));
    }
    EXPECT_EQ(schema_of(path()), schema_of(fresh)) << "from version " << version;
    for (const char* part : {"", "-wal", "-shm"}) fs::remove(path() + part);
  }
}

TEST_F(QualityLogTest, ALogOfTheFutureIsLeftAlone) {
  static_cast<void>(open());
  ASSERT_TRUE(Database::open(path())->run("PRAGMA user_version = 99"));
  const auto log = QualityLog::open(path());
  ASSERT_FALSE(log);
  EXPECT_NE(log.error().what.find("newer version"), std::string::npos) << log.error().what;
}

TEST_F(QualityLogTest, WhatIsNoLogIsRefused) {
  std::ofstream(path()) << "This is not a database, but long enough to look at: " << std::string(4'096, 'x');
  EXPECT_FALSE(QualityLog::open(path()));
  EXPECT_FALSE(QualityLog::open(folder_ + "/no/such/folder/quality.db"));
}

}  // namespace
}  // namespace parley::store
