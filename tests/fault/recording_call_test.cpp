// A call that is recorded, from the outside: what the files hold, who is in them, that they line up, and
// fetching them by the client while they are made and afterwards.
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <cmath>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <set>
#include <thread>

#include "client/cli.hpp"
#include "client/http_download.hpp"
#include "client/interrupt.hpp"
#include "pipelines/recorder/comment_header.hpp"
#include "tests/listen/wav.hpp"
#include "tests/scenario/call.hpp"
#include "tests/support/audio_metrics.hpp"
#include "tests/unit/pipelines/recorder/memory_file.hpp"

namespace parley::scenario {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

std::string slurp(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<float> decode(const std::string& file) {
  return recorder::decode_opus_file(as_bytes(file));
}

// When in its period of 500 ms the keyed tone of `hz` begins, as the mean over all beginnings, in ms.
std::optional<double> beginning_ms(const std::vector<float>& sound, double hz) {
  constexpr std::size_t kStep = 120, kBlock = 480;
  std::vector<double> level;
  for (std::size_t at = 0; at + kBlock <= sound.size(); at += kStep)
    level.push_back(test::tone_amplitude(std::span(sound).subspan(at, kBlock), hz));
  const double half = *std::max_element(level.begin(), level.end()) / 2;
  double sine = 0, cosine = 0;
  int edges = 0;
  for (std::size_t i = 40; i < level.size(); ++i) {
    const bool rises = level[i] >= half && *std::max_element(&level[i - 40], &level[i]) < half;
    if (!rises) continue;
    const double angle = 2 * M_PI * std::fmod(static_cast<double>(i * kStep), 24'000) / 24'000;
    sine += std::sin(angle);
    cosine += std::cos(angle);
    ++edges;
  }
  if (edges < 3) return std::nullopt;
  return std::fmod(std::atan2(sine, cosine) / (2 * M_PI) * 500 + 500, 500);
}

double apart_ms(double a, double b) {
  const double d = std::fmod(std::abs(a - b), 500);
  return std::min(d, 500 - d);
}

class RecordedCall : public ::testing::Test {
 protected:
  RecordedCall() {
    folder_ = fs::temp_directory_path() / ("parley-recorded-" + std::to_string(::getpid()));
    fs::remove_all(folder_);
    settings_.recording.directory = folder_ / "recordings";
    settings_.recording.min_free_mb = 0;
    server_ = std::make_unique<Server>(settings_);
  }
  ~RecordedCall() override {
    callers_.clear();
    server_.reset();
    fs::remove_all(folder_);
  }
  Caller& join(const std::string& name, double hz, bool consent = true) {
    auto config = caller_config(*server_, "room", name);
    config.consent = consent;
    callers_.push_back(std::make_unique<Caller>(clients_, config, tone(hz, 0.1)));
    EXPECT_EQ(callers_.back()->wait_live(), "");
    return *callers_.back();
  }
  json::object get(const std::string& target) const {
    const auto answer = server_->http("GET", target);
    EXPECT_EQ(answer.status, 200) << answer.body;
    return json::parse(answer.body).as_object();
  }
  std::string track_of(const json::object& shown, const std::string& name) const {
    std::string id;
    for (const auto& p : shown.at("participants").as_array())
      if (p.at("name").as_string() == name) id = p.at("id").as_string();
    for (const auto& t : shown.at("tracks").as_array())
      if (t.at("participant").as_string() == id) return std::string(t.at("file").as_string());
    return {};
  }
  void let_them_talk(Duration time) const { std::this_thread::sleep_for(time); }  // the call's own time

  fs::path folder_;
  settings::Settings settings_ = loopback_settings();
  std::unique_ptr<Server> server_;
  Clients clients_;
  std::vector<std::unique_ptr<Caller>> callers_;
};

TEST_F(RecordedCall, HoldsWhoConsentedInStepAndCanBeFetchedAtOnce) {
  Caller& alice = join("Alice", 440);
  Caller& bob = join("Bob", 1'000);
  join("Carol", 1'700, false);
  const auto started = server_->http("POST", "/api/v1/rooms/room/recording/start");
  ASSERT_EQ(started.status, 201) << started.body;
  const auto id = std::string(json::parse(started.body).at("id").as_string());
  EXPECT_EQ(server_->http("POST", "/api/v1/rooms/room/recording/start").status, 409);
  EXPECT_TRUE(get("/api/v1/rooms/room").at("recording").as_bool());
  let_them_talk(5s);
  const auto base = "/api/v1/recordings/" + id;

  // While it is made.
  client::Download live{base + "/mixdown", "", folder_ / "live.opus", {}};
  const auto early = client::download(server_->url(), live);
  ASSERT_TRUE(early) << early.error().what;
  EXPECT_GT(decode(slurp(live.output)).size(), 3U * 48'000);
  EXPECT_EQ(server_->http("DELETE", base).status, 409);
  let_them_talk(1s);
  EXPECT_EQ(server_->http("POST", "/api/v1/rooms/room/recording/stop").status, 204);
  EXPECT_FALSE(get("/api/v1/rooms/room").at("recording").as_bool());
  EXPECT_EQ(
      wait_until([&] { return get(base).at("state").as_string() == "finished" ? "" : "not finished"; }, 5s),
      "");

  const auto shown = get(base);
  EXPECT_EQ(shown.at("participants").as_array().size(), 3U);
  EXPECT_EQ(shown.at("tracks").as_array().size(), 2U) << "Carol has not consented";
  EXPECT_EQ(track_of(shown, "Carol"), "");
  std::set<std::string> talked;
  for (const auto& talk : shown.at("talks").as_array())
    talked.insert(std::string(talk.at("participant").as_string()));
  EXPECT_EQ(talked.size(), 3U) << "all talked when the recording began";

  // Half of it is here already, and the rest follows.
  client::Download whole{base + "/mixdown", "", folder_ / "whole.opus", {}};
  fs::copy(live.output, whole.output + ".part");
  const auto fetched = client::download(server_->url(), whole);
  ASSERT_TRUE(fetched) << fetched.error().what;
  EXPECT_TRUE(fetched->resumed);
  EXPECT_TRUE(fetched->checked);

  const auto mix = decode(slurp(whole.output));
  const auto a = decode(server_->http("GET", base + "/" + track_of(shown, "Alice")).body);
  const auto b = decode(server_->http("GET", base + "/" + track_of(shown, "Bob")).body);
  ASSERT_GT(mix.size(), 5U * 48'000);
  ASSERT_GT(a.size(), 5U * 48'000);
  ASSERT_GT(b.size(), 5U * 48'000);
  const auto level = [](const std::vector<float>& sound, double hz) {
    return test::tone_dbfs(std::span(sound).subspan(48'000, 4 * 48'000), hz);
  };
  EXPECT_GT(level(a, 440), -30);
  EXPECT_LT(level(a, 1'000), -60);
  EXPECT_GT(level(b, 1'000), -30);
  EXPECT_GT(level(mix, 440), -30);
  EXPECT_GT(level(mix, 1'000), -30);
  EXPECT_LT(level(mix, 1'700), -60) << "Carol can be heard";

  // In step: how much later than it was said does each file have it?
  const auto said = [&](const Caller& who) {
    return to_ms(who.speaking_since().time_since_epoch() % Duration(500ms));
  };
  const auto alice_at = beginning_ms(a, 440), bob_at = beginning_ms(b, 1'000);
  const auto alice_mixed = beginning_ms(mix, 440), bob_mixed = beginning_ms(mix, 1'000);
  ASSERT_TRUE(alice_at && bob_at && alice_mixed && bob_mixed);
  const double tracks = apart_ms(*alice_at - said(alice) + 1'000, *bob_at - said(bob) + 1'000);
  const double first = apart_ms(*alice_at, *alice_mixed), second = apart_ms(*bob_at, *bob_mixed);
  std::printf("apart: the tracks %.1f ms; mixdown from Alice's track %.1f ms, from Bob's %.1f ms\n", tracks,
              first, second);
  EXPECT_LT(tracks, 30);
  EXPECT_LT(first, 30);
  EXPECT_LT(second, 30);

  EXPECT_EQ(server_->http("GET", base + "/zip").status, 200);
  EXPECT_EQ(server_->http("GET", base + "/tracks/..%2Frecording.json").status, 404);
  EXPECT_EQ(server_->http("DELETE", base).status, 204);
  EXPECT_EQ(server_->http("GET", base).status, 404);
}

// By the commands of the client, in this process.
TEST_F(RecordedCall, IsPlayedWhileItRunsThenRemixedAndDrawn) {
  using client::RecordingsCommand;
  join("Alice", 440);
  join("Bob", 1'000);
  const auto started = server_->http("POST", "/api/v1/rooms/room/recording/start");
  ASSERT_EQ(started.status, 201) << started.body;
  RecordingsCommand command;
  command.server = server_->url();
  command.id = std::string(json::parse(started.body).at("id").as_string());
  const auto run = [&](RecordingsCommand::Action action, const std::string& output) {
    command.action = action;
    command.output = (folder_ / output).string();
    command.sink = {client::OutputSpec::Kind::file, command.output};
    command.format = output.ends_with(".flac") ? remix::FileFormat::flac : remix::FileFormat::wav;
    return client::run_recordings(command);
  };
  const auto heard = [&](const std::string& output) {
    const auto sound = listen::read_wav((folder_ / output).string());
    EXPECT_TRUE(sound) << (sound ? "" : sound.error().what);
    return sound ? *sound : std::vector<float>();
  };
  // Of two seconds, in pieces: where time was stretched the phase of a tone jumps.
  const auto level = [](const std::vector<float>& sound, double hz) {
    constexpr std::size_t kPiece = 4'800, kPieces = 20, kBegin = 48'000;
    if (sound.size() < kBegin + kPieces * kPiece) return -200.0;
    std::vector<double> levels;
    for (std::size_t i = 0; i < kPieces; ++i)
      levels.push_back(test::tone_dbfs(std::span(sound).subspan(kBegin + i * kPiece, kPiece), hz));
    std::nth_element(levels.begin(), levels.begin() + kPieces / 2, levels.end());
    return levels[kPieces / 2];
  };
  let_them_talk(2s);
  int played = -1;
  std::thread listener([&, live = command]() mutable {
    live.action = RecordingsCommand::Action::play;
    live.sink = {client::OutputSpec::Kind::file, (folder_ / "live.wav").string()};
    played = client::run_recordings(live);
  });
  let_them_talk(2s);
  EXPECT_EQ(server_->http("POST", "/api/v1/rooms/room/recording/stop").status, 204);
  listener.join();
  EXPECT_EQ(played, client::kOk);
  const auto live = heard("live.wav");
  EXPECT_GT(live.size(), 3.5 * 48'000) << "it ended before the recording did";
  EXPECT_GT(level(live, 440), -30);
  EXPECT_GT(level(live, 1'000), -30);

  command.without = {"Bob"};
  command.gains = {{"Alice", 6}};
  ASSERT_EQ(run(RecordingsCommand::Action::remix, "mix.wav"), client::kOk);
  const auto mix = heard("mix.wav");
  EXPECT_NEAR(level(mix, 440) - level(live, 440), 6, 1.5);
  EXPECT_LT(level(mix, 1'000), -60);
  command.without = {};
  command.normalize = true;
  ASSERT_EQ(run(RecordingsCommand::Action::remix, "mix.flac"), client::kOk);
  command.track = "Bob";
  ASSERT_EQ(run(RecordingsCommand::Action::play, "bob.wav"), client::kOk);
  EXPECT_GT(level(heard("bob.wav"), 1'000), -30);
  EXPECT_LT(level(heard("bob.wav"), 440), -60);

  // By a link to all of it, without any other right.
  const auto link = server_->http("POST", "/api/v1/recordings/" + command.id + "/link", R"({"file":"all"})");
  ASSERT_EQ(link.status, 200) << link.body;
  command.id =
      "http://" + command.server.authority() + std::string(json::parse(link.body).at("path").as_string());
  ASSERT_EQ(run(RecordingsCommand::Action::waveform, "who.svg"), client::kOk);
  ASSERT_EQ(run(RecordingsCommand::Action::waveform, "who.png"), client::kOk);
  const auto svg = slurp((folder_ / "who.svg").string());
  EXPECT_NE(svg.find(">Alice<"), std::string::npos);
  EXPECT_NE(svg.find("<path"), std::string::npos) << "no level is drawn";
  EXPECT_EQ(slurp((folder_ / "who.png").string()).substr(1, 3), "PNG");

  // A folder does as well.
  for (const auto& entry : fs::recursive_directory_iterator(folder_ / "recordings"))
    if (entry.path().filename() == "recording.json") command.id = entry.path().parent_path().string();
  EXPECT_EQ(run(RecordingsCommand::Action::remix, "local.wav"), client::kOk);
  EXPECT_GT(level(heard("local.wav"), 1'000), -30);
  command.without = {"Dave"};
  EXPECT_EQ(run(RecordingsCommand::Action::remix, "none.wav"), client::kUsage);
  EXPECT_FALSE(fs::exists(folder_ / "none.wav"));
}

TEST_F(RecordedCall, CtrlCEndsPlayingInOrderAndWhatHasEndedIsMeasured) {
  server_.reset();
  settings_.recording.loudness = true;
  server_ = std::make_unique<Server>(settings_);
  const std::string name = "../../etc/passwd \"'<b> CON";
  join(name, 440);
  const auto started = server_->http("POST", "/api/v1/rooms/room/recording/start");
  ASSERT_EQ(started.status, 201) << started.body;
  client::RecordingsCommand command;
  command.action = client::RecordingsCommand::Action::play;
  command.server = server_->url();
  command.id = std::string(json::parse(started.body).at("id").as_string());
  command.sink = {client::OutputSpec::Kind::file, (folder_ / "live.wav").string()};
  EXPECT_EQ(wait_until(
                [&] {
                  return get("/api/v1/recordings/" + command.id).contains("mixdown") ? ""
                                                                                     : "there is no mixdown";
                },
                10s),
            "");
  static_cast<void>(client::watch_for_interrupt());
  int played = -1;
  std::thread listener([&] { played = client::run_recordings(command); });
  EXPECT_EQ(wait_until([&] { return fs::exists(folder_ / "live.wav") ? "" : "nothing is played"; }, 5s), "");
  const auto at = now();
  std::raise(SIGINT);
  listener.join();
  EXPECT_EQ(played, client::kOk);
  EXPECT_LT(now() - at, 3s);
  EXPECT_TRUE(listen::read_wav((folder_ / "live.wav").string()));

  EXPECT_EQ(server_->http("POST", "/api/v1/rooms/room/recording/stop").status, 204);
  const auto base = "/api/v1/recordings/" + command.id;
  const auto wait_measured = [&] {
    return wait_until(
        [&] {
          const auto shown = get(base);
          return shown.at("mixdown").as_object().contains("crc32") &&
                         shown.at("tracks").at(0).as_object().contains("loudness_lufs")
                     ? ""
                     : "it is not measured";
        },
        60s);
  };
  EXPECT_EQ(wait_measured(), "");
  const auto shown = get(base);
  const auto& track = shown.at("tracks").at(0).as_object();
  EXPECT_EQ(shown.at("participants").at(0).at("name").as_string(), name);
  EXPECT_EQ(track.at("file").as_string(),
            "tracks/" + std::string(track.at("participant").as_string()) + "-1.opus");
  EXPECT_FALSE(track.at("levels").as_array().empty());
  const auto gain =
      recorder::read_gain(as_bytes(server_->http("GET", base + "/" + track_of(shown, name)).body));
  ASSERT_TRUE(gain);
  EXPECT_NEAR(*gain, -23 - track.at("loudness_lufs").to_number<double>(), 0.1);
  const auto picture = server_->http("GET", base + "/waveform");
  EXPECT_NE(picture.body.find("&lt;b&gt;"), std::string::npos);
  EXPECT_NE(picture.body.find("<path"), std::string::npos);

  // The same recording as a crash would have left it: not closed, not measured, unknown to the index.
  callers_.clear();
  server_.reset();
  for (const auto& entry : fs::recursive_directory_iterator(folder_ / "recordings")) {
    if (entry.path().filename() != "recording.json") continue;
    auto manifest = json::parse(slurp(entry.path())).as_object();
    manifest["state"] = "recording";
    for (const char* field : {"loudness_lufs", "levels", "levels_step_ms", "crc32"})
      manifest["tracks"].as_array().at(0).as_object().erase(field);
    std::ofstream(entry.path()) << json::serialize(manifest);
  }
  for (const char* part : {"", "-wal", "-shm"})
    fs::remove(folder_ / "recordings" / (std::string("parley.db") + part));
  server_ = std::make_unique<Server>(settings_);
  EXPECT_EQ(wait_measured(), "");
  EXPECT_EQ(get(base).at("state").as_string(), "interrupted");
}

}  // namespace
}  // namespace parley::scenario
