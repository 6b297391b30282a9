// A disk that stalls and one that is full, under a server with a call: the call does not notice, the operator
// does, recording resumes, and what was written stays whole.
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cerrno>
#include <sstream>

#include "tests/fault/disk_shim.hpp"
#include "tests/scenario/call.hpp"
#include "tests/support/audio_metrics.hpp"
#include "tests/unit/mcu/recording/support.hpp"

namespace parley::scenario {
namespace {

namespace json = boost::json;

// Ticks begun later than so many seconds: cumulative, as /metrics tells them.
using Lateness = std::map<double, double>;

Lateness lateness_in(const std::string& metrics) {
  constexpr std::string_view kName = "parley_tick_lateness_seconds_bucket{le=\"";
  Lateness out;
  std::istringstream lines(metrics);
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with(kName) && line[kName.size()] != '+')
      out[std::stod(line.substr(kName.size()))] = std::stod(line.substr(line.rfind(' ')));
  return out;
}

// The bound below which 99 % of the ticks between two looks began, ms.
double p99_ms(const Lateness& before, const Lateness& after) {
  if (after.empty()) return 0;
  const auto grown = [&](double bound) {
    const auto was = before.find(bound);
    return after.at(bound) - (was == before.end() ? 0 : was->second);
  };
  const double all = grown(after.rbegin()->first);
  for (const auto& [bound, count] : after)
    if (grown(bound) >= 0.99 * all) return bound * 1'000;
  return after.rbegin()->first * 1'000;
}

double value_of(const std::string& metrics, const std::string& name) {
  const auto at = metrics.find("\n" + name + " ");
  return at == std::string::npos ? -1 : std::stod(metrics.substr(at + name.size() + 2));
}

class DiskTest : public ::testing::Test {
 protected:
  DiskTest() {
    test::use_disk_shim(root_.c_str(), control());
    auto settings = loopback_settings();
    settings.recording.directory = root_;
    settings.recording.min_free_mb = 500;
    control().free_bytes = kEnough;
    server_ = std::make_unique<Server>(settings);
    for (const double hz : {500.0, 1'300.0})
      callers_.push_back(std::make_unique<Caller>(
          clients_, caller_config(*server_, "room", std::to_string(static_cast<int>(hz))), tone(hz, 0.1)));
    for (const auto& caller : callers_) EXPECT_EQ(caller->wait_live(), "");
  }
  ~DiskTest() override {
    control().refuse = 0;
    control().stall = false;
    callers_.clear();
    server_.reset();
  }
  static constexpr std::uint64_t kEnough = 10'000'000'000;
  static test::DiskControl& control() {
    static test::DiskControl control;
    return control;
  }
  std::string start() const {
    const auto answer = server_->http("POST", "/api/v1/rooms/room/recording/start");
    EXPECT_EQ(answer.status, 201) << answer.body;
    return answer.status == 201 ? std::string(json::parse(answer.body).at("id").as_string()) : std::string();
  }
  json::object stop(const std::string& id) const {
    EXPECT_EQ(server_->http("POST", "/api/v1/rooms/room/recording/stop").status, 204);
    json::object shown;
    EXPECT_EQ(wait_until(
                  [&]() -> std::string {
                    const auto answer = server_->http("GET", "/api/v1/recordings/" + id);
                    if (answer.status != 200) return answer.body;
                    shown = json::parse(answer.body).as_object();
                    return shown.at("mixdown").as_object().contains("crc32") ? "" : answer.body;
                  },
                  10s),
              "");
    return shown;
  }
  std::string health() const { return server_->http("GET", "/healthz").body; }
  std::string metrics() const { return server_->http("GET", "/metrics").body; }
  bool told(const std::string& state) const {
    const auto states = callers_[0]->disk_states();
    return std::find(states.begin(), states.end(), state) != states.end();
  }
  static std::string until(bool done, const std::string& what) { return done ? "" : what; }
  // Of the last `seconds`: blocks of 600 ms, in which a keyed tone sounds at least 200 ms, without any.
  static int silent_blocks(const Caller& caller, double hz, double seconds) {
    const auto heard = caller.heard();
    constexpr std::size_t kBlock = 28'800;
    const auto count = std::min(heard.size(), static_cast<std::size_t>(seconds * 48'000));
    const auto last = std::span(heard).last(count);
    int silent = 0;
    for (std::size_t at = 0; at + kBlock <= last.size(); at += kBlock)
      silent += test::tone_dbfs(last.subspan(at, kBlock), hz) < -40 ? 1 : 0;
    return silent;
  }
  void expect_whole(const std::string& id, const json::object& shown) const {
    std::string folder;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root_))
      if (entry.path().filename() == id) folder = entry.path();
    std::vector<std::string> files = {"mixdown.opus"};
    for (const auto& track : shown.at("tracks").as_array()) files.emplace_back(track.at("file").as_string());
    EXPECT_EQ(files.size(), 3U);
    for (const auto& file : files) {
      const auto content = recording::content_of(folder + "/" + file);
      EXPECT_TRUE(content.whole && content.closed) << file;
      EXPECT_NEAR(static_cast<double>(content.ms), static_cast<double>(shown.at("duration_ms").as_int64()),
                  1'200)
          << file;
    }
  }
  void let_them_talk(Duration time) const { std::this_thread::sleep_for(time); }  // the call's own time

  recording::Folder folder_{"disk"};
  const std::string root_ = folder_.path();
  std::unique_ptr<Server> server_;
  Clients clients_;
  std::vector<std::unique_ptr<Caller>> callers_;
};

TEST_F(DiskTest, AStallOfFiveSecondsIsHeardByNobodyAndCostsNothing) {
  const auto id = start();
  const auto begun = lateness_in(metrics());
  let_them_talk(4s);
  const auto before = lateness_in(metrics());
  control().stall = true;
  const auto stalled = now();
  EXPECT_EQ(
      wait_until(
          [&] { return until(health().find("trouble: the disk has not") != std::string::npos, health()); },
          4s),
      "");
  EXPECT_EQ(wait_until([&] { return until(told("stalled"), "nobody was told"); }, 2s), "");
  EXPECT_GE(value_of(metrics(), "parley_recording_disk_wait_seconds"), 1);
  std::this_thread::sleep_until(stalled + 5s);
  control().stall = false;
  const auto after = lateness_in(metrics());
  EXPECT_EQ(silent_blocks(*callers_[0], 1'300, 5), 0);
  EXPECT_EQ(wait_until([&] { return until(health() == "ok\n" && told("resumed"), health()); }, 4s), "");
  std::printf("ticks late, p99: %.1f ms with a disk that answers, %.1f ms while it stalls\n",
              p99_ms(begun, before), p99_ms(before, after));
  const auto shown = stop(id);
  expect_whole(id, shown);
  EXPECT_EQ(shown.at("troubles").as_array().size(), 1U) << json::serialize(shown.at("troubles"));
  for (const auto& track : shown.at("tracks").as_array()) {
    EXPECT_FALSE(track.as_object().contains("dropped"));
    EXPECT_GE(track.at("packets").as_int64(), 9 * 50 * 0.5);
  }
  EXPECT_EQ(value_of(metrics(), "parley_recording_stalls_total"), 1);
}

TEST_F(DiskTest, AFullDiskIsToldAndRecordingResumesWhenThereIsSpace) {
  const auto id = start();
  let_them_talk(2s);
  control().refuse = ENOSPC;
  EXPECT_EQ(
      wait_until(
          [&] { return until(health().find("No space left on device") != std::string::npos, health()); }, 3s),
      "");
  EXPECT_EQ(wait_until([&] { return until(told("refused"), "nobody was told"); }, 2s), "");
  EXPECT_EQ(value_of(metrics(), "parley_recordings_in_trouble"), 1);
  let_them_talk(2s);
  EXPECT_EQ(callers_[0]->disk_states().size(), 1U) << "it is told once, not for every page";
  EXPECT_EQ(silent_blocks(*callers_[0], 1'300, 3), 0);
  control().refuse = 0;
  EXPECT_EQ(wait_until([&] { return until(health() == "ok\n" && told("resumed"), health()); }, 4s), "");
  let_them_talk(2s);
  const auto shown = stop(id);
  expect_whole(id, shown);
  const auto& troubles = shown.at("troubles").as_array();
  ASSERT_EQ(troubles.size(), 1U) << json::serialize(troubles);
  EXPECT_EQ(troubles[0].at("what").as_string(), "No space left on device");
  EXPECT_GT(troubles[0].at("to_ms").as_int64(), troubles[0].at("from_ms").as_int64() + 1'500);
}

TEST_F(DiskTest, AFolderThatCannotBeWrittenIsToldAndRecordingBeginsWhenItCan) {
  control().refuse = EACCES;
  const auto id = start();
  EXPECT_EQ(wait_until(
                [&] { return until(health().find("Permission denied") != std::string::npos, health()); }, 3s),
            "");
  let_them_talk(1s);
  control().refuse = 0;
  EXPECT_EQ(wait_until([&] { return until(health() == "ok\n", health()); }, 8s), "");
  let_them_talk(2s);
  const auto shown = stop(id);
  expect_whole(id, shown);
}

TEST_F(DiskTest, LittleSpaceEndsRecordingsInOrderAndTheyBeginAgain) {
  const auto id = start();
  let_them_talk(1s);
  const auto recorded = [&] {
    return server_->http("GET", "/api/v1/rooms/room").body.find("\"recording\":true") != std::string::npos;
  };
  EXPECT_TRUE(recorded());
  control().free_bytes = 100'000'000;
  EXPECT_EQ(wait_until([&] { return until(told("low"), "nobody was told"); }, 4s), "");
  EXPECT_FALSE(recorded());
  EXPECT_EQ(
      wait_until([&] { return until(health().find("min_free_mb") != std::string::npos, health()); }, 1s), "");
  EXPECT_EQ(server_->http("POST", "/api/v1/rooms/room/recording/start").status, 507);
  const auto shown = json::parse(server_->http("GET", "/api/v1/recordings/" + id).body).as_object();
  EXPECT_EQ(shown.at("reason").as_string(), "disk-low");
  expect_whole(id, shown);
  control().free_bytes = kEnough;
  EXPECT_EQ(wait_until([&] { return until(recorded(), "it is not recorded"); }, 8s), "");
  EXPECT_EQ(wait_until([&] { return until(health() == "ok\n", health()); }, 1s), "");
}

}  // namespace
}  // namespace parley::scenario
