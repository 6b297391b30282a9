// The engine with real pipelines, fed with a tone in real time; endpoints on this machine only.
#include "mcu/streaming/stream_engine.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <numbers>
#include <sstream>

#include "pipelines/device/file_decoder.hpp"
#include "pipelines/streams/peer_watch.hpp"
#include "tests/support/audio_metrics.hpp"
#include "tests/support/opus_source.hpp"
#include "tests/unit/mcu/streaming/fake_icecast.hpp"

namespace parley::streaming {
namespace {

namespace fs = std::filesystem;
using streams::StreamState;

constexpr double kHz = 700;
constexpr RoomId kRoom{1};

// The mix of a room in which one tone sounds, packet by packet as its time comes.
class ToneFeed final : public MixFeed {
 public:
  // The last `other` seconds are a tone of 1,700 Hz.
  explicit ToneFeed(double seconds, double other = 0) : start_(now()) {
    std::vector<float> pcm(static_cast<std::size_t>(seconds * 48'000));
    for (std::size_t i = 0; i < pcm.size(); ++i) {
      const double hz = static_cast<double>(i) < (seconds - other) * 48'000 ? kHz : 1'700;
      pcm[i] =
          0.2F * static_cast<float>(std::sin(2 * std::numbers::pi * hz * static_cast<double>(i) / 48'000));
    }
    packets_ = test::opus_packets(pcm);
  }
  TimePoint drain(const std::function<void(TimePoint, Bytes)>& give) override {
    TimePoint passed = TimePoint::min();
    for (std::size_t i = next_; i < packets_.size() && start_ + i * 20ms <= now(); next_ = ++i) {
      passed = start_ + i * 20ms;
      give(passed, packets_[i].packet.data());
    }
    return passed;
  }
  std::uint64_t dropped() const override { return 0; }
  bool empty() const { return next_ >= packets_.size(); }  // any thread

 private:
  const TimePoint start_;
  std::atomic<std::size_t> next_{0};
  std::vector<test::TimedPacket> packets_;
};

class StreamEngineTest : public testing::Test {
 protected:
  StreamEngineTest() {
    std::signal(SIGPIPE, SIG_IGN);  // as parley-mcu does
    char name[] = "/tmp/parley-streams-XXXXXX";
    root_ = ::mkdtemp(name);
    settings_.allow = {"file:",           "hls:",     "icecast://127.0.0.0/8",
                       "rtp://127.0.0.1", "rtmp://*", "rtmp://127.0.0.1:2000-65535",
                       "srt://127.0.0.1"};
    settings_.file_root = root_;
    settings_.hls_root = root_ + "/hls";
    open();
  }
  void open() {
    engine_.reset();
    auto opened = StreamEngine::open(
        settings_, [this](std::function<void()> job) { run_on_ctl(job); },
        [this](const StreamInfo& info) { states_.push_back(info.state); });
    engine_ = std::move(opened).value();
  }
  ~StreamEngineTest() override {
    engine_.reset();
    fs::remove_all(root_);
  }

  void run_on_ctl(const std::function<void()>& job) {
    const std::lock_guard lock(ctl_);
    job();
  }
  StreamId start(const StreamRequest& request) {
    auto plan = engine_->plan(kRoom, "standup", request);
    EXPECT_TRUE(plan) << plan.error().what;
    if (!plan) return "";
    const auto id = plan->info.id;
    EXPECT_TRUE(engine_->start(std::move(*plan), feed_));
    return id;
  }
  // Until the stream is as wished; the last that was seen is what a failed test shows.
  StreamInfo wait(const StreamId& id, const std::function<bool(const StreamInfo&)>& wished,
                  Duration most = 10s) {
    const TimePoint limit = now() + most;
    for (;;) {
      const auto info = engine_->find(id).value_or(StreamInfo{});
      if (wished(info) || now() > limit) return info;
      std::this_thread::sleep_for(10ms);
    }
  }
  StreamInfo wait_for(const StreamId& id, StreamState state) {
    auto info = wait(id, [state](const StreamInfo& i) { return i.state == state; });
    EXPECT_STREQ(to_string(info.state), to_string(state)) << info.url << ": " << info.cause;
    return info;
  }
  // The sound is there, from end to end.
  static void expect_tone(const std::string& path, double least_seconds) {
    const auto pcm = device::load_audio_file(path, 60);
    ASSERT_TRUE(pcm) << pcm.error().what;
    ASSERT_GT(static_cast<double>(pcm->size()), least_seconds * 48'000) << path;
    const std::size_t block = 4'800, first = 9'600;
    std::size_t silent = 0;
    for (std::size_t at = first; at + block + 4'800 < pcm->size(); at += block)
      silent += test::tone_dbfs(std::span(*pcm).subspan(at, block), kHz) < -30 ? 1 : 0;
    EXPECT_EQ(silent, 0U) << path;
  }

  std::string root_;
  StreamSettings settings_;
  std::mutex ctl_;
  std::vector<StreamState> states_;
  std::unique_ptr<StreamEngine> engine_;
  std::shared_ptr<ToneFeed> feed_ = std::make_shared<ToneFeed>(20);
};

TEST_F(StreamEngineTest, OneMixGoesOutInEveryFormatAtTheCostOfOneEncodeEach) {
  const std::vector<std::string> names = {"a.opus", "b.ogg", "c.mp3", "d.aac", "e.ts", "f.mka"};
  const TimePoint begun = now();
  std::vector<StreamId> ids;
  for (const auto& name : names) ids.push_back(start({"file:" + name, "", 0, ""}));
  // 20 more of a kind that is being made already cost nothing.
  for (int i = 0; i < 20; ++i) ids.push_back(start({"file:more" + std::to_string(i) + ".aac", "", 0, ""}));
  const auto hls = start({"hls:", "", 0, ""});
  for (const auto& id : ids) wait_for(id, StreamState::live);
  wait_for(hls, StreamState::live);
  EXPECT_EQ(engine_->list(kRoom).size(), ids.size() + 1);
  const auto playlist = engine_->hls_directory("standup") + "/live.m3u8";
  const TimePoint limit = now() + 8s;
  while (!fs::exists(playlist) && now() < limit) std::this_thread::sleep_for(20ms);

  const double seconds = 1.6;  // the slowest encoder keeps its last 100 ms back
  const double ticks = to_seconds(now() - begun) * 50;
  const auto totals = engine_->totals();
  const auto info = engine_->find(ids.front());
  EXPECT_GT(info->bytes, 2'000U);
  EXPECT_EQ(info->dropped, 0U);
  for (const auto& id : ids) EXPECT_TRUE(engine_->stop(id));
  // Two encoders ran (MP3 and AAC at 128 kbit/s), however many streams there were.
  EXPECT_LT(static_cast<double>(totals.encoded_ticks), 2 * ticks + 20);
  EXPECT_GT(totals.encoded_ticks, 2U * 90);

  const auto folder = engine_->hls_directory("standup");
  std::ifstream master(folder + "/master.m3u8");
  std::stringstream text;
  text << master.rdbuf();
  EXPECT_NE(text.str().find("live.m3u8"), std::string::npos);
  EXPECT_TRUE(fs::exists(playlist));
  engine_.reset();  // everything is written to its end
  for (const auto& name : names) expect_tone(root_ + "/" + name, seconds);
  expect_tone(root_ + "/more19.aac", seconds);
}

// What a player of fragmented MP4 fetches, put together in the order of the playlist.
TEST_F(StreamEngineTest, HlsInFragmentsIsWholeAndStaysForAWhileBehindItsEnd) {
  const auto id = start({"hls:?segments=fmp4", "", 0, ""});
  const auto folder = engine_->hls_directory("standup");
  const auto read = [&](const std::string& name) {
    std::stringstream text;
    text << std::ifstream(folder + "/" + name, std::ios::binary).rdbuf();
    return text.str();
  };
  const TimePoint limit = now() + 12s;
  const auto segments = [&] {
    const auto text = read("live.m3u8");
    std::size_t count = 0;
    for (auto at = text.find("#EXTINF"); at != std::string::npos; at = text.find("#EXTINF", at + 1)) ++count;
    return count;
  };
  while (segments() < 2 && now() < limit) std::this_thread::sleep_for(20ms);
  ASSERT_GE(segments(), 2U);
  EXPECT_EQ(read("live.m3u8").find("ENDLIST"), std::string::npos);
  const TimePoint stopped = now();
  EXPECT_TRUE(engine_->stop(id));
  while (read("live.m3u8").find("ENDLIST") == std::string::npos && now() < limit)
    std::this_thread::sleep_for(5ms);
  EXPECT_LT(to_seconds(now() - stopped), 1.0) << "the end is written at once";
  EXPECT_EQ(engine_->hls_directory("standup"), folder) << "players come to the end of what they have begun";
  EXPECT_EQ(engine_->hls_directory("other"), "");

  std::ofstream whole(root_ + "/whole.mp4", std::ios::binary);
  std::istringstream lines(read("live.m3u8"));
  double told = 0;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("#EXT-X-MAP:URI=\"")) whole << read(line.substr(16, line.size() - 17));
    if (line.starts_with("#EXTINF:")) told += std::stod(line.substr(8));
    if (!line.starts_with("#")) whole << read(line);
  }
  whole.close();
  const auto pcm = device::load_audio_file(root_ + "/whole.mp4", 60);
  ASSERT_TRUE(pcm) << pcm.error().what;
  EXPECT_NEAR(static_cast<double>(pcm->size()) / 48'000, told, 0.1);
  expect_tone(root_ + "/whole.mp4", 4);
}

TEST_F(StreamEngineTest, AFileIsNeverWrittenOver) {
  std::ofstream(root_ + "/x.opus") << "mine";
  const auto id = start({"file:x.opus", "", 0, ""});
  wait_for(id, StreamState::live);
  EXPECT_EQ(fs::file_size(root_ + "/x.opus"), 4U);
  EXPECT_TRUE(fs::exists(root_ + "/x-2.opus"));
  fs::create_symlink("/tmp/parley-must-not-exist", root_ + "/y.opus");
  const auto linked = start({"file:y.opus", "", 0, ""});
  wait_for(linked, StreamState::live);
  EXPECT_FALSE(fs::exists("/tmp/parley-must-not-exist"));
}

TEST_F(StreamEngineTest, AnEndpointThatDiesIsFoundAgain) {
  FakeIcecast server;
  const auto id = start({server.url(), "", 0, ""});
  EXPECT_EQ(wait_for(id, StreamState::live).url.find("s3cret"), std::string::npos);
  server.hang_up();
  const auto retrying = wait(id, [](const StreamInfo& i) { return i.failures > 0; });
  EXPECT_FALSE(retrying.cause.empty());
  wait(id, [](const StreamInfo& i) { return i.state == StreamState::live && i.connects == 2; });
  EXPECT_EQ(wait_for(id, StreamState::live).connects, 2U);
  EXPECT_EQ(server.connections(), 2);
  EXPECT_NE(server.received().find("OggS"), std::string::npos);
  EXPECT_TRUE(engine_->stop(id));
  EXPECT_FALSE(engine_->find(id));
}

// What a frozen server does not read its system takes, for minutes; it answers nobody, though.
TEST_F(StreamEngineTest, AFrozenServerIsAskedInVain) {
  settings_.ask_every = settings_.answer_within = 1s;
  open();
  FakeIcecast server(FakeIcecast::Buffer::usual);
  const auto id = start({server.url(), "", 0, ""});
  wait_for(id, StreamState::live);
  server.freeze();
  const TimePoint frozen = now();
  const auto missed = wait(id, [](const StreamInfo& i) { return i.failures > 0; });
  EXPECT_NE(missed.cause.find("does not answer"), std::string::npos) << missed.cause;
  EXPECT_LT(to_seconds(now() - frozen), 5);
}

// Others have asked it before us, and its system's queue of those who wait to be accepted is full.
TEST_F(StreamEngineTest, AFrozenServerWithAQueueBeforeItsDoorIsAskedInVain) {
  settings_.ask_every = settings_.answer_within = 1s;
  open();
  FakeIcecast server(FakeIcecast::Buffer::usual);
  const auto id = start({server.url(), "", 0, ""});
  wait_for(id, StreamState::live);
  server.freeze();
  const auto queue = server.fill_queue();
  const auto missed = wait(id, [](const StreamInfo& i) { return i.failures > 0; });
  EXPECT_NE(missed.cause.find("does not answer"), std::string::npos) << missed.cause;
}

// A server that goes on answering for its system but takes nothing: one stops in the middle, one has never
// begun.
TEST_F(StreamEngineTest, AFrozenServerIsMissedInTime) {
  FakeIcecast server, silent_rtmp;
  silent_rtmp.freeze();
  const auto id = start({server.url(), "", 0, ""});
  const auto port = silent_rtmp.url().substr(silent_rtmp.url().rfind(':') + 1);
  const auto unanswered =
      start({"rtmp://127.0.0.1:" + port.substr(0, port.find('/')) + "/a/KEY77", "", 0, ""});
  wait_for(id, StreamState::live);
  server.freeze();
  const TimePoint frozen = now();
  const auto failed = [](const StreamInfo& i) { return i.failures > 0; };
  const auto never = wait(unanswered, failed, 14s);
  EXPECT_NE(never.cause.find("timed out"), std::string::npos) << never.cause;
  EXPECT_EQ(never.connects, 0U) << "what does not answer is not live";
  const auto missed = wait(id, failed, 20s);
  EXPECT_NE(missed.cause.find("timed out"), std::string::npos) << missed.cause;
  EXPECT_LT(to_seconds(now() - frozen), to_seconds(streams::kUntaken) + 6);
  std::printf("a frozen server was missed after %.1f s: %s\n", to_seconds(now() - frozen),
              missed.cause.c_str());
}

TEST_F(StreamEngineTest, AStoppedStreamIsWholeToItsEndAndClosedAtOnce) {
  // The last 100 ms are another tone: encoders hold about so much back.
  feed_ = std::make_shared<ToneFeed>(2.5, 0.1);
  const auto mp3 = start({"file:end.mp3", "", 0, ""}), aac = start({"file:end.aac", "", 0, ""}),
             shared = start({"file:other.aac", "", 0, ""}), opus = start({"file:end.opus", "", 0, ""});
  for (const auto& id : {mp3, aac, shared, opus}) wait_for(id, StreamState::live);
  while (!feed_->empty()) std::this_thread::sleep_for(1ms);
  const TimePoint stopped = now();
  for (const auto& id : {mp3, aac, opus}) EXPECT_TRUE(engine_->stop(id));
  const auto whole = [this] {
    std::stringstream text;
    text << std::ifstream(root_ + "/end.opus", std::ios::binary).rdbuf();
    const auto page = text.str().rfind("OggS");
    return page != std::string::npos && (text.str()[page + 5] & 4) != 0;  // RFC 3533 section 6: the last page
  };
  while (!whole() && now() - stopped < 5s) std::this_thread::sleep_for(1ms);
  EXPECT_LT(to_seconds(now() - stopped), 0.5);
  engine_.reset();
  EXPECT_LT(to_seconds(now() - stopped), 2.0);
  for (const char* name : {"end.mp3", "end.aac", "other.aac", "end.opus"}) {
    const auto pcm = device::load_audio_file(root_ + "/" + name, 60);
    ASSERT_TRUE(pcm) << pcm.error().what;
    double last = -200;
    const std::size_t window = 2'400;
    for (std::size_t at = pcm->size() / 2; at + window <= pcm->size(); at += 480)
      last = std::max(last, test::tone_dbfs(std::span(*pcm).subspan(at, window), 1'700));
    EXPECT_GT(last, -25) << name << ": its last 100 ms are missing";
  }
}

TEST_F(StreamEngineTest, ARefusedPasswordIsSaidAndNotRepeated) {
  FakeIcecast server;
  server.refuse(true);
  const auto id = start({server.url(), "", 0, ""});
  const auto info = wait(id, [](const StreamInfo& i) { return i.failures >= 2; });
  EXPECT_NE(info.cause.find("401"), std::string::npos) << info.cause;
  EXPECT_EQ(info.cause.find("s3cret"), std::string::npos);
  server.refuse(false);
  wait_for(id, StreamState::live);
}

TEST_F(StreamEngineTest, WhatCannotBeReachedIsRetriedWithItsCause) {
  const auto nobody = start({"icecast://p@127.0.0.1:1/x", "", 0, ""});
  const auto inside = start({"rtmp://localhost/a/KEY77", "", 0, ""});
  EXPECT_NE(wait(nobody, [](const StreamInfo& i) { return i.failures > 0; }).cause.find("refused"),
            std::string::npos);
  const auto refused = wait(inside, [](const StreamInfo& i) { return i.failures > 0; });
  EXPECT_NE(refused.cause.find("streaming.allow"), std::string::npos) << refused.cause;
  EXPECT_EQ((refused.cause + refused.url).find("KEY77"), std::string::npos);
  // Both fail within a millisecond: how often they may is the pauses' to say (0.5, 1, 2 s).
  std::this_thread::sleep_for(2s);
  for (const auto& id : {nobody, inside}) {
    EXPECT_GE(engine_->find(id)->failures, 2U);
    EXPECT_LE(engine_->find(id)->failures, 4U);
  }
}

TEST_F(StreamEngineTest, RefusesWithTheStatusThatFits) {
  const auto status = [this](const StreamRequest& request) {
    const auto plan = engine_->plan(kRoom, "standup", request);
    return plan ? 0 : plan.error().code;
  };
  EXPECT_EQ(status({"ftp://x/y", "", 0, ""}), 400);
  EXPECT_EQ(status({"rtmp://10.0.0.1/a/b", "", 0, ""}), 403);
  EXPECT_EQ(status({"rtmps://198.41.0.4/a/b", "", 0, ""}), 403);
  EXPECT_EQ(status({"rtmp://198.41.0.4/a/b", "opus", 0, ""}), 400);
  EXPECT_EQ(status({"rtmp://198.41.0.4/a/b", "", 5, ""}), 400);
  EXPECT_EQ(status({"hls:", "", 0, "black"}), 400);
  EXPECT_EQ(status({"rtmp://198.41.0.4/a/b", "", 0, "picture"}), 400);
  start({"hls:", "", 0, ""});
  EXPECT_EQ(status({"hls:", "", 0, ""}), 409);
  EXPECT_FALSE(engine_->stop("nosuchstream"));
  StreamSettings bad;
  bad.allow = {"rtmp"};
  EXPECT_FALSE(engine_->reload(bad));
  bad.allow.clear();
  bad.ca_file = root_ + "/nothing.pem";
  EXPECT_FALSE(engine_->reload(bad));
  std::ofstream(bad.ca_file) << "no certificate\n";
  EXPECT_FALSE(engine_->reload(bad));
  bad.ca_file.clear();
  EXPECT_TRUE(engine_->reload(bad));
  EXPECT_EQ(status({"hls:", "", 0, ""}), 403);
}

}  // namespace
}  // namespace parley::streaming
