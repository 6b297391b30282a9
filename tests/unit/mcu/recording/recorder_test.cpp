#include "mcu/recording/recorder.hpp"

#include <gtest/gtest.h>

#include <condition_variable>
#include <future>
#include <mutex>

#include "tests/unit/mcu/recording/support.hpp"

namespace parley::recording {
namespace {

class Ears final : public RecorderEvents {
 public:
  void on_finished(const Manifest& manifest) override {
    const std::lock_guard lock(lock_);
    finished_.push_back(manifest);
    changed_.notify_all();
  }
  void on_progress(const Manifest&) override {}
  void on_trouble(const Manifest&, bool in_trouble) override {
    const std::lock_guard lock(lock_);
    troubles_.push_back(in_trouble);
    changed_.notify_all();
  }
  void on_disk_roomy() override {
    const std::lock_guard lock(lock_);
    low_ = false;
    changed_.notify_all();
  }
  void on_disk_low() override {
    const std::lock_guard lock(lock_);
    low_ = true;
    changed_.notify_all();
  }
  template <typename Condition>
  bool wait(Condition condition) {
    std::unique_lock lock(lock_);
    return changed_.wait_for(lock, 10s, [&] { return condition(*this); });
  }
  std::mutex lock_;
  std::condition_variable changed_;
  std::vector<Manifest> finished_;
  std::vector<bool> troubles_;
  bool low_ = false;
};

// The recorder's time: as late as the latest packet that was sent.
std::atomic<TimePoint> virtual_now;
TimePoint virtual_clock() {
  return virtual_now;
}

struct RecorderTest : ::testing::Test {
  Folder folder{"recorder"};
  Fault fault;
  Ears ears;
  const TimePoint origin = now();
  RecorderTest() { virtual_now = origin; }

  std::unique_ptr<Recorder> make(RecorderSettings settings = {}) {
    if (settings.min_free_bytes == 0) settings.clock = &virtual_clock;
    return std::make_unique<Recorder>(settings, std::make_unique<FaultyDisk>(folder.path(), fault), ears);
  }
  Recording::Start start(const std::string& id) const {
    return {id, "standup", "2026/11/25/" + id, origin, 5};
  }
  std::string file(const std::string& id, const std::string& name) const {
    return folder.path() + "/2026/11/25/" + id + "/" + name;
  }
  void advance_to(std::uint32_t packet) const {
    virtual_now = std::max(virtual_now.load(), origin + 20ms * packet);
  }
  void push(Recorder& recorder, LegId leg, std::uint32_t from, std::uint32_t to) const {
    for (auto i = from; i < to; ++i) recorder.push_packet(leg, numbered(i, origin + 20ms * i + 20ms));
  }
  void send(Recorder& recorder, LegId leg, std::uint32_t from, std::uint32_t to) const {
    push(recorder, leg, from, to);
    advance_to(to);
  }
};

TEST_F(RecorderTest, WritesTracksAndMixdownOnOneTimeline) {
  auto recorder = make();
  ASSERT_TRUE(recorder->start(start("r1")));
  ASSERT_TRUE(recorder->attach("r1", {LegId{1}, "alice", "Alice", Codec::opus}));
  ASSERT_TRUE(recorder->attach("r1", {LegId{2}, "bob", "../../etc/passwd", Codec::pcmu}));
  const auto mixed = std::make_shared<pipelines::MixQueue>();
  ASSERT_TRUE(recorder->attach_mix("r1", mixed));
  recorder->note("r1", [&](Recording& r) { r.joined(origin, "alice", "Alice", true); });
  push(*recorder, LegId{1}, 0, 500);
  for (std::uint32_t i = 100; i < 500; ++i) {
    auto packet = numbered(i, origin + 20ms * i + 20ms);
    packet.timestamp = i * 160;
    packet.assign(ByteBuffer(160, 0x55));
    recorder->push_packet(LegId{2}, packet);
    mix(*mixed, i, origin + 20ms * i);
  }
  recorder->push_packet(LegId{3}, numbered(1, origin));  // nobody's
  advance_to(500);
  recorder->detach(LegId{1});
  recorder->stop("r1", "stopped");
  ASSERT_TRUE(ears.wait([](Ears& e) { return !e.finished_.empty(); }));
  const auto& m = ears.finished_.front();
  EXPECT_EQ(m.state, "finished");
  ASSERT_EQ(m.tracks.size(), 2U);
  const auto alice = content_of(file("r1", "tracks/alice-1.opus")),
             mix = content_of(file("r1", "mixdown.opus"));
  EXPECT_TRUE(alice.whole && alice.closed);
  EXPECT_EQ(alice.numbered, 500U);
  EXPECT_NEAR(static_cast<double>(alice.ms), 10'020, 15);
  EXPECT_TRUE(mix.whole && mix.closed);
  EXPECT_EQ(mix.numbered, 400U);
  EXPECT_NEAR(static_cast<double>(mix.ms), 10'000, 15);
  EXPECT_NEAR(static_cast<double>(m.tracks[1].offset_ms), 2'020, 15);
  EXPECT_NE(slurp(file("r1", "tracks/bob-1.oga")).find("ARTIST=../../etc/passwd"), std::string::npos);
  const auto saved = read_manifest(slurp(file("r1", "recording.json")));
  ASSERT_TRUE(saved);
  EXPECT_EQ(saved->state, "finished");
  EXPECT_EQ(recorder->stats().packets_dropped, 0U);
}

TEST_F(RecorderTest, WhoComesBackGoesOnInItsTrack) {
  auto recorder = make();
  recorder->start(start("r1"));
  recorder->attach("r1", {LegId{1}, "alice", "Alice", Codec::opus});
  send(*recorder, LegId{1}, 0, 100);
  recorder->detach(LegId{1});
  recorder->attach("r1", {LegId{5}, "alice", "Alice", Codec::opus});
  send(*recorder, LegId{5}, 200, 300);
  recorder->attach("r1", {LegId{6}, "alice", "Alice", Codec::pcma});
  recorder->stop("r1", "stopped");
  ASSERT_TRUE(ears.wait([](Ears& e) { return !e.finished_.empty(); }));
  const auto alice = content_of(file("r1", "tracks/alice-1.opus"));
  EXPECT_EQ(alice.numbered, 200U);
  EXPECT_NEAR(static_cast<double>(alice.ms), 6'020, 25);
  EXPECT_EQ(ears.finished_.front().tracks.size(), 1U);
}

TEST_F(RecorderTest, AMutedParticipantIsInNoTrack) {
  auto recorder = make();
  recorder->start(start("r1"));
  recorder->attach("r1", {LegId{1}, "alice", "Alice", Codec::opus});
  send(*recorder, LegId{1}, 0, 100);
  recorder->set_muted(LegId{1}, true);
  send(*recorder, LegId{1}, 100, 200);
  recorder->set_muted(LegId{1}, false);
  send(*recorder, LegId{1}, 200, 300);
  recorder->stop("r1", "stopped");
  ASSERT_TRUE(ears.wait([](Ears& e) { return !e.finished_.empty(); }));
  const auto alice = content_of(file("r1", "tracks/alice-1.opus"));
  EXPECT_EQ(alice.numbered, 200U);
  EXPECT_NEAR(static_cast<double>(alice.ms), 6'020, 15);
}

TEST_F(RecorderTest, AStalledDiskCostsNothing) {
  auto recorder = make();
  fault.stall_ms = 700;
  recorder->start(start("r1"));
  for (std::uint32_t leg = 1; leg <= 30; ++leg)
    recorder->attach("r1", {LegId{leg}, "p" + std::to_string(leg), "P", Codec::opus});
  const auto begun = now();
  for (std::uint32_t leg = 1; leg <= 30; ++leg) push(*recorder, LegId{leg}, 0, 250);
  EXPECT_LT(now() - begun, 500ms) << "a media thread has waited for the disk";
  advance_to(250);
  recorder->stop("r1", "stopped");
  ASSERT_TRUE(ears.wait([](Ears& e) { return !e.finished_.empty(); }));
  EXPECT_EQ(recorder->stats().packets_dropped, 0U);
  for (std::uint32_t leg = 1; leg <= 30; ++leg)
    EXPECT_EQ(content_of(file("r1", "tracks/p" + std::to_string(leg) + "-1.opus")).numbered, 250U) << leg;
}

TEST_F(RecorderTest, WhatASlowDiskCostsIsCounted) {
  auto recorder = make();
  recorder->start(start("r1"));
  recorder->attach("r1", {LegId{1}, "alice", "Alice", Codec::opus});
  send(*recorder, LegId{1}, 0, 100);
  fault.stall_ms = 1'200;
  MediaPacket large = numbered(0, origin);
  large.assign(ByteBuffer(1'200, 0xf8));
  const auto until = now() + 600ms;  // the disk stalls by then, and no room for more is left
  for (std::uint32_t i = 100; now() < until || recorder->stats().packets_dropped == 0; ++i) {
    large.sequence = static_cast<std::uint16_t>(i);
    large.timestamp = i * 960;
    large.arrival = origin + 20ms * i;
    recorder->push_packet(LegId{1}, large);
  }
  recorder->stop("r1", "stopped");
  ASSERT_TRUE(ears.wait([](Ears& e) { return !e.finished_.empty(); }));
  const auto stats = recorder->stats();
  EXPECT_EQ(stats.stalls, 1U);
  EXPECT_GE(stats.slowest_write_ms, 1'000U);
  const auto& m = ears.finished_.front();
  ASSERT_EQ(m.tracks.size(), 1U);
  EXPECT_GT(m.tracks[0].dropped, 0);
  EXPECT_EQ(m.tracks[0].dropped, static_cast<std::int64_t>(stats.packets_dropped));
  ASSERT_EQ(m.troubles.size(), 1U);
  EXPECT_EQ(m.troubles[0].what, "the disk did not answer");
  EXPECT_EQ(read_manifest(slurp(file("r1", "recording.json")))->tracks[0].dropped, m.tracks[0].dropped);
}

TEST_F(RecorderTest, AFullDiskIsToldAndRecordingResumes) {
  auto recorder = make();
  recorder->start(start("r1"));
  recorder->attach("r1", {LegId{1}, "alice", "Alice", Codec::opus});
  send(*recorder, LegId{1}, 0, 200);
  std::mutex lock;
  std::condition_variable seen;
  bool passed = false;
  const auto barrier = [&] {
    passed = false;
    recorder->post(
        [&] {
          const std::lock_guard hold(lock);
          passed = true;
          seen.notify_all();
        },
        Recorder::Order::after);
    std::unique_lock hold(lock);
    ASSERT_TRUE(seen.wait_for(hold, 10s, [&] { return passed; }));
  };
  barrier();
  fault.full = true;
  send(*recorder, LegId{1}, 200, 300);
  ASSERT_TRUE(ears.wait([](Ears& e) { return !e.troubles_.empty() && e.troubles_.back(); }));
  barrier();
  fault.full = false;
  send(*recorder, LegId{1}, 300, 500);
  ASSERT_TRUE(ears.wait([](Ears& e) { return e.troubles_.size() >= 2 && !e.troubles_.back(); }));
  recorder->stop("r1", "stopped");
  ASSERT_TRUE(ears.wait([](Ears& e) { return !e.finished_.empty(); }));
  const auto alice = content_of(file("r1", "tracks/alice-1.opus"));
  EXPECT_TRUE(alice.whole && alice.closed);
  EXPECT_EQ(alice.last, 499);
  EXPECT_NEAR(static_cast<double>(alice.ms), 10'020, 30);
  EXPECT_GE(alice.numbered, 380U);
  ASSERT_EQ(ears.finished_.front().troubles.size(), 1U);
  EXPECT_EQ(ears.finished_.front().troubles[0].what, "full");
  EXPECT_EQ(ears.troubles_, (std::vector<bool>{true, false})) << "told once, not for every page";
}

TEST_F(RecorderTest, EndsPolitelyWhenTheDiskIsNearlyFull) {
  RecorderSettings settings;
  settings.min_free_bytes = 1'000'000;
  settings.sync_interval = 100ms;
  fault.free_bytes = 999'999;
  auto recorder = make(settings);
  recorder->start(start("r1"));
  recorder->attach("r1", {LegId{1}, "alice", "Alice", Codec::opus});
  ASSERT_TRUE(ears.wait([](Ears& e) { return e.low_; }));
  EXPECT_EQ(ears.finished_.front().reason, "disk-low");
  EXPECT_TRUE(recorder->stats().disk_low);
  for (const std::uint64_t free : {1'050'000U, 1'200'000U}) {  // not enough: it would be low again at once
    EXPECT_TRUE(ears.low_);
    fault.free_bytes = free;
    recorder->check_space();
    std::promise<void> looked;
    recorder->post([&] { looked.set_value(); });
    looked.get_future().wait();
  }
  EXPECT_FALSE(ears.low_);
}

TEST_F(RecorderTest, FinishesWhatItRecordsWhenItEnds) {
  auto recorder = make();
  recorder->start(start("r1"));
  recorder->attach("r1", {LegId{1}, "alice", "Alice", Codec::opus});
  send(*recorder, LegId{1}, 0, 100);
  recorder.reset();
  EXPECT_TRUE(content_of(file("r1", "tracks/alice-1.opus")).closed);
  EXPECT_EQ(ears.finished_.size(), 1U);
}

}  // namespace
}  // namespace parley::recording
