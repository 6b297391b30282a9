#include "pipelines/player/room_player.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <vector>

namespace parley::player {
namespace {

namespace fs = std::filesystem;

// A constant, so that what comes out is the gain.
class Level final : public Sound {
 public:
  explicit Level(int ticks, float level = 0.5F) : ticks_(ticks), level_(level) {}
  bool read(std::span<float> out) override {
    std::fill(out.begin(), out.end(), level_);
    return --ticks_ > 0;
  }
  std::optional<Duration> duration() const override { return 1s; }

 private:
  int ticks_;
  float level_;
};

PlayItem item(const std::string& id, int ticks, bool announce = false) {
  PlayItem out;
  out.id = id;
  out.title = id + ".wav";
  out.announce = announce;
  out.sound = std::make_unique<Level>(ticks);
  return out;
}

class RoomPlayerTest : public testing::Test {
 protected:
  // The last sample of a number of ticks.
  float run(int ticks) {
    for (int i = 0; i < ticks; ++i) heard_ = player_.render(pcm_);
    for (const auto& news : player_.take_news()) told_.push_back(news.id + " " + to_string(news.state));
    return pcm_.back();
  }
  RoomPlayer player_;
  std::vector<float> pcm_ = std::vector<float>(RoomPlayer::kSamples);
  bool heard_ = false;
  std::vector<std::string> told_;
};

TEST_F(RoomPlayerTest, PlaysOneAfterTheOther) {
  ASSERT_TRUE(player_.add(item("a", 3)));
  ASSERT_TRUE(player_.add(item("b", 2)));
  EXPECT_FLOAT_EQ(run(3), 0.5F);
  EXPECT_FALSE(player_.empty());
  run(2);
  EXPECT_TRUE(player_.empty());
  EXPECT_EQ(run(1), 0.0F);
  EXPECT_FALSE(heard_);
  const std::vector<std::string> expected = {"a queued", "b queued",  "a playing",
                                             "a ended",  "b playing", "b ended"};
  EXPECT_EQ(told_, expected);
}

TEST_F(RoomPlayerTest, GainIsInDecibels) {
  auto quiet = item("a", 10);
  quiet.gain_db = -6.0206;
  player_.add(std::move(quiet));
  EXPECT_NEAR(run(2), 0.25F, 1e-3F);
}

TEST_F(RoomPlayerTest, MusicGivesWayToSpeechAndComesBack) {
  player_.add(item("a", 1000));
  run(5);
  player_.set_talking(true);
  const float ducked = 0.5F * std::pow(10.0F, -12.0F / 20);
  EXPECT_NEAR(run(10), ducked, 0.01F);  // within 200 ms
  player_.set_talking(false);
  EXPECT_LT(run(5), 0.4F);  // not at once
  EXPECT_NEAR(run(100), 0.5F, 0.01F);
}

TEST_F(RoomPlayerTest, AnAnnouncementIsHeardOverTheMusic) {
  player_.add(item("music", 1000));
  run(10);
  auto chime = item("chime", 50, true);
  chime.sound = std::make_unique<Level>(50, 0.25F);
  player_.add(std::move(chime));
  const float ducked = 0.5F * std::pow(10.0F, -12.0F / 20);
  EXPECT_NEAR(run(20), ducked + 0.25F, 0.01F);
  run(31);
  EXPECT_NEAR(run(100), 0.5F, 0.01F);
}

TEST_F(RoomPlayerTest, StoppingFadesOut) {
  player_.add(item("a", 1000));
  player_.add(item("b", 1000));
  run(5);
  EXPECT_TRUE(player_.stop("a"));
  EXPECT_FALSE(player_.stop("nothing"));
  run(1);
  EXPECT_NEAR(pcm_.front(), 0.5F, 0.01F);
  EXPECT_NEAR(pcm_.back(), 0.0F, 0.01F);
  player_.stop_all();  // b has not begun
  run(2);
  EXPECT_TRUE(player_.empty());
  EXPECT_EQ(told_.back(), "b stopped");
}

TEST_F(RoomPlayerTest, WhatIsBeingOpenedKeepsItsPlace) {
  auto slow = item("slow", 2);
  auto sound = std::move(slow.sound);
  player_.add(std::move(slow));
  player_.add(item("fast", 2));
  EXPECT_EQ(run(3), 0.0F);
  EXPECT_EQ(player_.list().front().state, PlayState::opening);
  player_.opened("slow", std::move(sound));
  run(4);
  const std::vector<std::string> expected = {"slow opening", "fast queued",  "slow queued", "slow playing",
                                             "slow ended",   "fast playing", "fast ended"};
  EXPECT_EQ(told_, expected);
  auto bad = item("bad", 2);
  bad.sound.reset();
  player_.add(std::move(bad));
  player_.failed("bad", "no sound in it");
  run(1);
  EXPECT_EQ(told_.back(), "bad failed");
  EXPECT_TRUE(player_.empty());
}

TEST_F(RoomPlayerTest, PositionIsToldEveryFiveSeconds) {
  player_.add(item("a", 1000));
  run(600);  // 12 s
  EXPECT_EQ(std::count(told_.begin(), told_.end(), "a playing"), 3);
}

TEST_F(RoomPlayerTest, TheQueueIsBoundedAndTheSumIsToo) {
  for (std::size_t i = 0; i < RoomPlayer::kMaxItems; ++i)
    ASSERT_TRUE(player_.add(item(std::to_string(i), 1000, i == 1)));
  EXPECT_FALSE(player_.add(item("x", 1)));
  EXPECT_LE(run(10), 1.0F);
}

TEST(Tone, EndsWhenItShouldAndFadesAtBothEnds) {
  auto tone = make_tone(440, 100ms);
  std::vector<float> pcm(960);
  EXPECT_TRUE(tone->read(pcm));
  EXPECT_EQ(pcm.front(), 0.0F);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(tone->read(pcm));
  EXPECT_FALSE(tone->read(pcm));
  EXPECT_NEAR(pcm.back(), 0.0F, 1e-3F);
  EXPECT_EQ(*tone->duration(), 100ms);
  EXPECT_FALSE(make_tone(440, std::nullopt)->duration());
}

TEST(FindBelow, StaysInTheFolder) {
  char name[] = "/tmp/parley-media-XXXXXX";
  const fs::path root = ::mkdtemp(name);
  const fs::path outside = root.string() + "-secret.wav";
  std::ofstream(outside) << "x";
  fs::create_directory(root / "jingles");
  std::ofstream(root / "jingles/a.wav") << "x";
  fs::create_symlink(outside, root / "link.wav");
  EXPECT_TRUE(find_below(root.string(), "jingles/a.wav"));
  EXPECT_TRUE(find_below(root.string(), "jingles/../jingles/a.wav"));
  for (const std::string& bad :
       std::vector<std::string>{"", "/etc/passwd", "../" + outside.filename().string(), "link.wav", "jingles",
                                "nothing.wav", "a\nb", "jingles\\a.wav"})
    EXPECT_FALSE(find_below(root.string(), bad)) << bad;
  EXPECT_FALSE(find_below(root.string(), std::string("jingles/a.wav\0.mp3", 18)));
  EXPECT_FALSE(find_below("/nowhere/at/all", "a.wav"));
  fs::remove_all(root);
  fs::remove(outside);
}

}  // namespace
}  // namespace parley::player
