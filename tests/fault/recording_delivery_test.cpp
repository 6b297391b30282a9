// What is owed for a recording that has ended reaches its receivers: a real web server and a real program,
// which fail at first, and a server that is restarted meanwhile. And the notice that it is being made.
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <filesystem>
#include <fstream>

#include "client/wav_writer.hpp"
#include "mcu/app/recording_control.hpp"
#include "tests/scenario/call.hpp"
#include "tests/support/audio_metrics.hpp"
#include "tests/support/http_receiver.hpp"
#include "tests/unit/mcu/recording/support.hpp"

namespace parley::scenario {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

class DeliveryTest : public ::testing::Test {
 protected:
  DeliveryTest() {
    settings_.recording.directory = folder_.path() + "/recordings";
    settings_.recording.min_free_mb = 0;
    settings_.webhooks.key = "f3Zq81LmPz7Kc2Vn9XtB4w";
    settings_.webhooks.allow = {"http://127.0.0.0/8"};
    settings_.webhooks.url = "http://127.0.0.1:" + std::to_string(receiver_.port()) + "/hook";
  }
  // A recording of somebody's second in a room with an awkward name.
  std::string record(const Server& server) {
    Clients clients;
    Caller caller(clients, caller_config(server, kRoom, "ann"), tone(500, 0.1));
    EXPECT_EQ(caller.wait_live(), "");
    const auto room = std::string("/api/v1/rooms/") + kEncoded + "/recording/";
    const auto started = server.http("POST", room + "start");
    EXPECT_EQ(started.status, 201) << started.body;
    std::this_thread::sleep_for(1s);  // the call's own time
    EXPECT_EQ(server.http("POST", room + "stop").status, 204);
    return std::string(json::parse(started.body).at("id").as_string());
  }
  // Empty once this delivery is in this state.
  static std::string missing(const Server& server, const std::string& id, const std::string& kind,
                             const std::string& state, std::int64_t least_attempts) {
    const auto answer = server.http("GET", "/api/v1/recordings/" + id);
    if (answer.status != 200) return answer.body;
    const auto shown = json::parse(answer.body).as_object();
    const auto* deliveries = shown.if_contains("deliveries");
    if (deliveries == nullptr) return "nothing is owed: " + answer.body;
    for (const auto& one : deliveries->as_array())
      if (one.at("kind").as_string() == kind && one.at("state").as_string() == state &&
          one.at("attempts").as_int64() >= least_attempts)
        return "";
    return json::serialize(*deliveries);
  }

  static constexpr const char* kRoom = "a'b;c";
  static constexpr const char* kEncoded = "a%27b%3Bc";
  recording::Folder folder_{"delivery"};
  test::HttpReceiver receiver_;
  settings::Settings settings_ = loopback_settings();
};

TEST_F(DeliveryTest, TheWebhookAndTheHookAreTriedUntilTheySucceed) {
  const auto script = folder_.path() + "/store.sh", storage = folder_.path() + "/storage";
  fs::create_directories(storage);
  std::ofstream(script) << "#!/bin/sh\n"
                           "echo \"$PARLEY_RECORDING_ROOM|$PARLEY_RECORDING_STATE|$2\" >> '" +
                               storage +
                               "/log'\n"
                               "[ $(wc -l < '" +
                               storage +
                               "/log') -ge 2 ] || { echo 'the tape is full' >&2; exit 1; }\n"
                               "cp -r \"$1\" '" +
                               storage + "/'\n";
  fs::permissions(script, fs::perms::owner_all);
  settings_.recording.hook = {script, "{folder}", "id={id};$(exit)"};
  receiver_.answer(500);
  const Server server(settings_);
  const auto id = record(server);
  EXPECT_EQ(wait_until([&] { return missing(server, id, "webhook", "pending", 1); }, 5s), "");
  EXPECT_NE(server.http("GET", "/api/v1/recordings").body.find("\"delivery\":\"pending\""),
            std::string::npos);
  receiver_.answer(200);
  EXPECT_EQ(wait_until([&] { return missing(server, id, "webhook", "done", 2); }, 10s), "");
  EXPECT_EQ(wait_until([&] { return missing(server, id, "hook", "done", 2); }, 10s), "");
  EXPECT_NE(server.http("GET", "/api/v1/recordings").body.find("\"delivery\":\"done\""), std::string::npos);

  const auto calls = receiver_.requests();
  ASSERT_GE(calls.size(), 2U);
  const auto body = json::parse(calls.back().body).as_object();
  EXPECT_EQ(body.at("event").as_string(), "recording.finished");
  const auto& about = body.at("recording").as_object();
  EXPECT_EQ(about.at("id").as_string(), id);
  EXPECT_EQ(about.at("room").as_string(), kRoom);
  EXPECT_EQ(about.at("state").as_string(), "finished");
  EXPECT_EQ(server.http("GET", std::string(about.at("path").as_string())).status, 200);

  const auto log = recording::slurp(storage + "/log");
  const auto line = std::string(kRoom) + "|finished|id=" + id + ";$(exit)\n";
  EXPECT_EQ(log, line + line);
  EXPECT_TRUE(recording::content_of(storage + "/" + id + "/mixdown.opus").whole);
}

TEST_F(DeliveryTest, WhatIsOwedOutlivesTheServerAndTheFolderGoesOnlyAfterwards) {
  const auto sign = folder_.path() + "/open";
  settings_.recording.hook = {"/usr/bin/test", "-e", sign};
  settings_.recording.hook_removes = true;
  receiver_.answer(503);
  std::string id;
  {
    const Server server(settings_);
    id = record(server);
    EXPECT_EQ(wait_until([&] { return missing(server, id, "hook", "pending", 1); }, 5s), "");
    EXPECT_EQ(wait_until([&] { return missing(server, id, "webhook", "pending", 1); }, 5s), "");
  }
  const auto before = receiver_.connections();
  receiver_.answer(200);
  const Server server(settings_);
  EXPECT_EQ(wait_until([&] { return missing(server, id, "webhook", "done", 2); }, 10s), "");
  EXPECT_GT(receiver_.connections(), before);
  EXPECT_EQ(missing(server, id, "hook", "pending", 1), "") << "it is kept until the hook has it";
  std::ofstream(sign) << "now";
  const auto gone = [&] {
    return server.http("GET", "/api/v1/recordings/" + id).status == 404 ? "" : "there";
  };
  EXPECT_EQ(wait_until(gone, 15s), "");
}

TEST_F(DeliveryTest, AConfigurationThatCannotWorkIsRefused) {
  const auto why = [&] {
    const auto checked = app::RecordingControl::check(settings_);
    return checked ? std::string() : checked.error().what;
  };
  EXPECT_EQ(why(), "");
  settings_.webhooks.allow = {"http://*"};
  EXPECT_EQ(why().find("webhooks.url: "), 0U) << why();
  settings_.webhooks.allow = {"everywhere"};
  EXPECT_EQ(why().find("webhooks.allow: "), 0U) << why();
  settings_.webhooks.allow = {"http://127.0.0.1"};
  settings_.webhooks.key.clear();
  EXPECT_EQ(why().find("webhooks.key: "), 0U) << why();
  settings_.webhooks.url.clear();
  settings_.recording.notice_file = "notice.wav";
  EXPECT_EQ(why().find("recording.notice_file: "), 0U) << why();
}

TEST_F(DeliveryTest, TheNoticeIsHeardByEverybodyWhoeverComesWhen) {
  settings_.playback.directory = folder_.path();
  settings_.recording.notice_file = "notice.wav";
  settings_.webhooks.url.clear();
  constexpr double kNotice = 2'300;
  {
    auto wav = client::WavWriter::create(folder_.path() + "/notice.wav");
    ASSERT_TRUE(wav);
    std::vector<float> sound(48'000);
    for (std::size_t i = 0; i < sound.size(); ++i)
      sound[i] = 0.2F * static_cast<float>(std::sin(2 * M_PI * kNotice * static_cast<double>(i) / 48'000));
    ASSERT_TRUE((*wav)->write(sound));
    ASSERT_TRUE((*wav)->finish());
  }
  const Server server(settings_);
  Clients clients;
  const auto join = [&](const std::string& name) {
    auto caller = std::make_unique<Caller>(clients, caller_config(server, "room", name),
                                           std::make_unique<client::SilenceSource>());
    EXPECT_EQ(caller->wait_live(), "");
    return caller;
  };
  // How many seconds of it somebody has heard.
  const auto seconds = [](const Caller& caller) {
    const auto heard = caller.heard();
    constexpr std::size_t kBlock = 2'400;
    int blocks = 0;
    for (std::size_t at = 0; at + kBlock <= heard.size(); at += kBlock)
      blocks += test::tone_dbfs(std::span(heard).subspan(at, kBlock), kNotice) > -30 ? 1 : 0;
    return blocks * static_cast<double>(kBlock) / 48'000;
  };
  const auto wait_heard = [&](const Caller& caller, double least) {
    return wait_until([&] { return seconds(caller) >= least ? "" : std::to_string(seconds(caller)) + " s"; },
                      6s);
  };
  const auto ann = join("ann"), bob = join("bob");
  EXPECT_EQ(server.http("POST", "/api/v1/rooms/room/recording/start").status, 201);
  EXPECT_EQ(wait_heard(*ann, 0.9), "");
  EXPECT_EQ(wait_heard(*bob, 0.9), "");
  std::this_thread::sleep_for(500ms);  // its tail
  const auto late = join("late");
  EXPECT_EQ(wait_heard(*late, 0.9), "");
  EXPECT_EQ(wait_heard(*ann, 1.8), "") << "once for each who came";
}

}  // namespace
}  // namespace parley::scenario
