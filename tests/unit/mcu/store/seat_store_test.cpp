#include "mcu/store/seat_store.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <limits>

namespace parley::store {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kNow = 1'764'080'000'000, kHour = 3'600'000;

class SeatStoreTest : public ::testing::Test {
 protected:
  SeatStoreTest() : folder_(fs::temp_directory_path() / ("parley-seats-" + std::to_string(::getpid()))) {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  ~SeatStoreTest() override { fs::remove_all(folder_); }
  std::string path() const { return folder_ / "state.db"; }
  std::unique_ptr<SeatStore> open() const {
    auto store = SeatStore::open(path());
    EXPECT_TRUE(store) << store.error().what;
    return std::move(store).value();
  }
  static SeatRow ann() { return {"aaaaaaaaaaaa", "standup", "Ann 'x'", "resume-of-ann", true, false, false}; }
  static SeatRow bob() { return {"bbbbbbbbbbbb", "call-1", "Bob", "resume-of-bob", false, true, true}; }

 private:
  const fs::path folder_;
};

TEST_F(SeatStoreTest, RemembersOverARestart) {
  EXPECT_TRUE(open()->apply({{ann(), bob()}, {}, {{"ff00", kNow + kHour}}}, kNow));
  const auto all = open()->load(kNow + 1000);
  ASSERT_TRUE(all) << all.error().what;
  EXPECT_EQ(all->seats, (std::vector<SeatRow>{ann(), bob()}));
  EXPECT_EQ(all->used, (std::vector<SeatStore::UsedToken>{{"ff00", kNow + kHour}}));
}

TEST_F(SeatStoreTest, ChangesAndForgets) {
  const auto store = open();
  EXPECT_TRUE(store->apply({{ann(), bob()}, {}, {}}, kNow));
  auto renewed = ann();
  renewed.resume = "another";
  EXPECT_TRUE(store->apply({{renewed}, {bob().participant, "nobody"}, {}}, kNow));
  EXPECT_EQ(store->load(kNow)->seats, (std::vector<SeatRow>{renewed}));
}

TEST_F(SeatStoreTest, UsedTokensAreKeptUntilTheyExpire) {
  const auto store = open();
  EXPECT_TRUE(store->apply({{}, {}, {{"01", kNow + 1000}, {"02", kNow + kHour}}}, kNow));
  EXPECT_EQ(store->load(kNow + 1000)->used, (std::vector<SeatStore::UsedToken>{{"02", kNow + kHour}}));
}

TEST_F(SeatStoreTest, NobodyWaitsForAServerThatWasAwayForLong) {
  EXPECT_TRUE(open()->apply({{ann()}, {}, {{"01", kNow + 24 * kHour}}}, kNow));
  const auto late = open()->load(kNow + SeatStore::kLongestAbsence_ms + 1);
  EXPECT_TRUE(late->seats.empty());
  EXPECT_EQ(late->used.size(), 1U) << "a token that was used stays used";
}

TEST_F(SeatStoreTest, AClockThatWasSetBackAdmitsNobody) {
  EXPECT_TRUE(open()->apply({{ann()}, {}, {}}, kNow));
  EXPECT_TRUE(open()->load(kNow - 1)->seats.empty());
}

// The file may be anybody's work.
TEST_F(SeatStoreTest, TimesOutOfReachAreLeftOut) {
  constexpr auto kNever = std::numeric_limits<std::int64_t>::max();
  EXPECT_TRUE(open()->apply({{ann()}, {}, {{"01", kNever}, {"02", kNow + kHour}}}, kNever));
  EXPECT_TRUE(open()->load(kNow)->seats.empty());
  EXPECT_TRUE(open()->apply({{ann()}, {}, {{"01", kNever}, {"02", kNow + kHour}}},
                            std::numeric_limits<std::int64_t>::min()));
  const auto all = open()->load(kNow);
  EXPECT_TRUE(all->seats.empty());
  EXPECT_EQ(all->used, (std::vector<SeatStore::UsedToken>{{"02", kNow + kHour}}));
}

TEST_F(SeatStoreTest, OnlyItsOwnerReadsIt) {
  EXPECT_TRUE(open()->apply({{ann()}, {}, {}}, kNow));
  for (const auto& entry : fs::directory_iterator(fs::path(path()).parent_path())) {
    struct stat status {};
    ASSERT_EQ(::stat(entry.path().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600U) << entry.path();
  }
}

TEST_F(SeatStoreTest, WhatIsNoDatabaseIsNamed) {
  std::ofstream(path())
      << "this is a text of more than a hundred bytes, which is what SQLite reads before it "
         "says that a file is no database, so it goes on for a while";
  const auto opened = SeatStore::open(path());
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().what.find("state.db"), std::string::npos) << opened.error().what;
  EXPECT_FALSE(SeatStore::open("/nowhere/at/all/state.db"));
}

}  // namespace
}  // namespace parley::store
