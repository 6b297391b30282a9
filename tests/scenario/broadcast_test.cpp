// Streams out of a room and sounds into it, with real clients; and those who only speak or only listen.
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <cstdlib>
#include <filesystem>

#include "client/wav_writer.hpp"
#include "pipelines/device/file_decoder.hpp"
#include "tests/scenario/call.hpp"
#include "tests/support/audio_metrics.hpp"
#include "tests/support/speech.hpp"

namespace parley::scenario {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

class BroadcastTest : public testing::Test {
 protected:
  BroadcastTest() {
    char name[] = "/tmp/parley-broadcast-XXXXXX";
    root_ = ::mkdtemp(name);
    settings_ = loopback_settings();
    settings_.streaming.file_root = root_;
    settings_.streaming.allow = {"file:", "hls:", "icecast://127.0.0.1"};
    settings_.playback.directory = root_;
    server_ = std::make_unique<Server>(settings_);
  }
  ~BroadcastTest() override {
    server_.reset();
    fs::remove_all(root_);
  }

  std::unique_ptr<Caller> join(const std::string& name, double hz) {
    auto source = hz > 0 ? tone(hz, 0.1) : std::make_unique<client::SilenceSource>();
    return std::make_unique<Caller>(clients_, caller_config(*server_, "room", name), std::move(source));
  }
  json::object api(const std::string& method, const std::string& path, const std::string& body = {}) const {
    const auto answer = server_->http(method, "/api/v1/rooms/room" + path, body);
    EXPECT_LT(answer.status, 300) << method << " " << path << ": " << answer.body;
    return answer.body.empty() ? json::object() : json::parse(answer.body).as_object();
  }
  static std::string text(const json::object& object, const char* key) {
    return std::string(object.at(key).as_string());
  }
  std::string wait_stream(const std::string& id, const std::string& state) const {
    return wait_until(
        [&] {
          const auto is = text(api("GET", "/streams/" + id), "state");
          return is == state ? std::string() : "it is " + is;
        },
        10s);
  }
  static double level(const Caller& caller, double hz, double seconds = 0.5) {
    const auto heard = caller.heard();
    const auto count = std::min(heard.size(), static_cast<std::size_t>(seconds * 48'000));
    return test::tone_dbfs(std::span(heard).last(count), hz);
  }
  static std::string wait_level(const Caller& caller, double hz, double least, double most) {
    return wait_until(
        [&]() -> std::string {
          const double is = level(caller, hz);
          return is >= least && is <= most ? ""
                                           : std::to_string(hz) + " Hz at " + std::to_string(is) + " dBFS";
        },
        8s);
  }

  void write_sound(const std::string& name, std::span<const float> pcm) const {
    const auto writer = client::WavWriter::create(root_ + "/" + name);
    ASSERT_TRUE(writer) << writer.error().what;
    ASSERT_TRUE((*writer)->write(pcm));
    ASSERT_TRUE((*writer)->finish());
  }

  std::string root_;
  settings::Settings settings_;
  std::unique_ptr<Server> server_;
  Clients clients_;
};

TEST_F(BroadcastTest, AStreamOutlivesItsPeopleWithAClockOfItsOwn) {
  const auto id = text(api("POST", "/streams", R"({"url":"file:call.opus"})"), "id");
  ASSERT_EQ(wait_stream(id, "live"), "");  // nobody is there yet
  const TimePoint begun = now();
  std::this_thread::sleep_for(1s);
  {
    const auto ann = join("ann", 500);
    const auto bob = join("bob", 1'300);
    ASSERT_EQ(ann->wait_live(), "");
    ASSERT_EQ(bob->wait_live(), "");
    std::this_thread::sleep_for(2s);
    ann->leave();
    bob->leave();
  }
  std::this_thread::sleep_for(1s);
  api("DELETE", "/streams/" + id);
  const double seconds = to_seconds(now() - begun);
  server_.reset();  // the file is closed

  const auto pcm = device::load_audio_file(root_ + "/call.opus", 60);
  ASSERT_TRUE(pcm) << pcm.error().what;
  EXPECT_NEAR(static_cast<double>(pcm->size()) / 48'000, seconds, 0.6);
  const auto part = [&](double from, double length) {
    const auto at = static_cast<std::size_t>(from * 48'000);
    return std::span(*pcm).subspan(at, static_cast<std::size_t>(length * 48'000));
  };
  EXPECT_LT(test::rms_dbfs(part(0.1, 0.6)), -60);
  EXPECT_GT(test::tone_dbfs(part(1.5, 1.5), 500), -35);
  EXPECT_GT(test::tone_dbfs(part(1.5, 1.5), 1'300), -35);
}

TEST_F(BroadcastTest, MusicIsHeardAndGivesWayToWhoTalks) {
  const auto ann = join("ann", 0);
  ASSERT_EQ(ann->wait_live(), "");
  const auto id = text(api("POST", "/play", R"({"tone":900,"duck_db":-20})"), "id");
  ASSERT_EQ(wait_level(*ann, 900, -22, -18), "");  // a tone plays at -20 dBFS
  {
    const auto bob = join("bob", 1'700);
    ASSERT_EQ(bob->wait_live(), "");
    EXPECT_EQ(wait_level(*ann, 900, -44, -35), "");
    EXPECT_EQ(wait_level(*bob, 900, -44, -35), "");
    EXPECT_GT(level(*ann, 1'700), -35);
    EXPECT_LT(level(*bob, 1'700), -70);  // still nobody hears oneself
    bob->leave();
  }
  EXPECT_EQ(wait_level(*ann, 900, -22, -18), "");
  api("DELETE", "/play/" + id);
  EXPECT_EQ(wait_level(*ann, 900, -200, -70), "");
  EXPECT_TRUE(api("GET", "/play").at("playing").as_array().empty());
}

TEST_F(BroadcastTest, ChimesTellWhoComesAndGoes) {
  write_sound("in.wav", test::tone(0.8, 2'300, 0.3));
  write_sound("out.wav", test::tone(0.8, 2'900, 0.3));
  settings_.playback.join_chime = "in.wav";
  settings_.playback.leave_chime = "out.wav";
  server_ = std::make_unique<Server>(settings_);
  const auto ann = join("ann", 0);
  ASSERT_EQ(ann->wait_live(), "");
  ASSERT_EQ(wait_level(*ann, 2'300, -200, -70), "");  // her own has ended
  {
    const auto bob = join("bob", 0);
    ASSERT_EQ(bob->wait_live(), "");
    EXPECT_EQ(wait_level(*ann, 2'300, -25, 0), "");
    bob->leave();
  }
  EXPECT_EQ(wait_level(*ann, 2'900, -25, 0), "");
  EXPECT_EQ(wait_level(*ann, 2'900, -200, -70), "");
  EXPECT_TRUE(ann->sounds().empty()) << "chimes are no news";
}

TEST_F(BroadcastTest, AnAnnouncementIsSpokenOverTheMusicAndItsEndIsTold) {
  auto pcm = test::speech(2.5, 3, {.level_dbfs = -18, .pause_seconds = 0, .noise_dbfs = -130});
  write_sound("words.wav", pcm);
  const auto ann = join("ann", 0);
  ASSERT_EQ(ann->wait_live(), "");
  api("POST", "/play", R"({"tone":9000,"duck_db":-20})");  // above the voice
  ASSERT_EQ(wait_level(*ann, 9'000, -23, -17), "");
  const auto id = text(api("POST", "/play", R"({"file":"words.wav","announce":true})"), "id");
  EXPECT_EQ(wait_level(*ann, 9'000, -46, -34), "");  // turned down for
  const auto heard = ann->heard();
  EXPECT_GT(test::rms_dbfs(std::span(heard).last(24'000)), -28);  // who speaks
  EXPECT_EQ(wait_level(*ann, 9'000, -23, -17), "");
  std::vector<std::string> states;
  protocol::Playback end;
  for (const auto& sound : ann->sounds()) {
    if (sound.sound != id) continue;
    states.push_back(sound.state);
    end = sound;
  }
  EXPECT_EQ(states, (std::vector<std::string>{"queued", "playing", "ended"}));
  EXPECT_EQ(end.title, "words.wav");
  EXPECT_NEAR(end.position_s, 2.5, 0.1);
  EXPECT_NEAR(end.duration_s.value_or(0), 2.5, 0.1);
}

TEST_F(BroadcastTest, TheRoomIsToldOfItsStreamsWithoutTheirSecrets) {
  const auto ann = join("ann", 0);
  ASSERT_EQ(ann->wait_live(), "");
  const auto id = text(api("POST", "/streams", R"({"url":"icecast://dj:s3cret@127.0.0.1:1/x"})"), "id");
  ASSERT_EQ(wait_stream(id, "retrying"), "");
  api("DELETE", "/streams/" + id);
  EXPECT_EQ(wait_until(
                [&] {
                  const auto told = ann->streams();
                  return !told.empty() && told.back().state == "stopped" ? "" : "not told of the end";
                },
                3s),
            "");
  const auto told = ann->streams();
  EXPECT_EQ(told.front().state, "connecting");
  bool cause = false;
  for (const auto& event : told) {
    EXPECT_EQ(event.stream, id);
    EXPECT_EQ((event.url + event.cause.value_or("")).find("s3cret"), std::string::npos);
    cause =
        cause || (event.state == "retrying" && event.cause.value_or("").find("refused") != std::string::npos);
  }
  EXPECT_TRUE(cause);
}

// A contribution from a studio elsewhere: what one room sends out as HLS comes into another by --input URL.
TEST_F(BroadcastTest, WhatIsPlayedAtAnAddressCanBeJoinedWith) {
  ASSERT_EQ(server_->http("POST", "/api/v1/rooms/studio/streams", R"({"url":"hls:?segments=fmp4"})").status,
            201);
  ASSERT_EQ(server_->http("POST", "/api/v1/rooms/studio/play", R"({"tone":900})").status, 201);
  const auto ann = join("ann", 0);
  ASSERT_EQ(ann->wait_live(), "");
  ASSERT_EQ(wait_until(
                [&] {
                  const auto list = server_->http("GET", "/hls/studio/live.m3u8");
                  const auto first = list.body.find("#EXTINF");
                  return first != std::string::npos &&
                                 list.body.find("#EXTINF", first + 1) != std::string::npos
                             ? ""
                             : "two segments are not there yet";
                },
                10s),
            "");
  client::InputSpec spec;
  spec.kind = client::InputSpec::Kind::file;
  spec.path =
      "http://" + server_->url().host + ":" + std::to_string(server_->url().port) + "/hls/studio/master.m3u8";
  auto source = client::open_source(spec, false);
  ASSERT_TRUE(source) << source.error().what;
  const Caller studio(clients_, caller_config(*server_, "room", "studio"), std::move(source).value());
  EXPECT_EQ(wait_level(*ann, 900, -26, -14), "");
}

TEST_F(BroadcastTest, WhatCannotBePlayedIsRefused) {
  const auto status = [this](const std::string& body) {
    return server_->http("POST", "/api/v1/rooms/room/play", body).status;
  };
  EXPECT_EQ(status(R"({"file":"nothing.wav"})"), 404);
  EXPECT_EQ(status(R"({"file":"../../etc/passwd"})"), 404);
  EXPECT_EQ(status(R"({"file":"/etc/passwd"})"), 400);
  EXPECT_EQ(status(R"({})"), 400);
  EXPECT_EQ(status(R"({"tone":1e9})"), 400);
  EXPECT_EQ(status(R"({"tone":440,"gain_db":99})"), 400);
  EXPECT_EQ(server_->http("GET", "/api/v1/rooms/room").status, 404);  // and no room was made for it
}

TEST_F(BroadcastTest, ARoomThatIsClosedEndsWhatItHeld) {
  api("POST", "/streams", R"({"url":"file:x.opus"})");
  api("POST", "/play", R"({"tone":900})");
  EXPECT_EQ(server_->http("DELETE", "/api/v1/rooms/room").status, 204);
  EXPECT_EQ(server_->http("GET", "/api/v1/rooms/room/streams").status, 404);
  const auto id = text(api("POST", "/streams", R"({"url":"file:x.opus"})"), "id");  // a new room
  EXPECT_EQ(wait_stream(id, "live"), "");
  EXPECT_EQ(api("GET", "/streams").at("streams").as_array().size(), 1U);
}

// As a broadcasting studio's software offers: sound and picture, to send only (RFC 9725 section 4.2).
std::string studio_offer(const std::string& direction) {
  const std::string common =
      "a=" + direction +
      "\r\na=rtcp-mux\r\na=setup:actpass\r\na=ice-ufrag:Fn3q\r\na=ice-pwd:8h2kQ9xTz0vWc4mLr7pYs1nB\r\n"
      "a=fingerprint:sha-256 "
      "AB:01:23:45:67:89:AB:CD:EF:01:23:45:67:89:AB:CD:EF:01:23:45:67:89:AB:CD:EF:01:23:45:67:89:AB:CD\r\n";
  return "v=0\r\no=rtc 7 0 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\na=group:LS 0 1\r\n"
         "a=msid-semantic:WMS *\r\na=ice-options:ice2,trickle\r\n"
         "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\n" +
         common +
         "a=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10;useinbandfec=1;stereo=1;sprop-stereo=1\r\n"
         "m=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:1\r\n" +
         common + "a=rtpmap:96 H264/90000\r\na=rtcp-fb:96 nack pli\r\n";
}

TEST_F(BroadcastTest, WhoOnlySpeaksOrOnlyListensComesInByWhip) {
  struct Row {
    const char* name;
    const char* offers;
    const char* answered;
    bool sends, receives;
  };
  for (const auto& row : {Row{"studio", "sendonly", "a=recvonly", true, false},
                          Row{"listener", "recvonly", "a=sendonly", false, true}}) {
    const auto answer = server_->http("POST", std::string("/whip/room?name=") + row.name,
                                      studio_offer(row.offers), "application/sdp");
    ASSERT_EQ(answer.status, 201) << answer.body;
    EXPECT_NE(answer.body.find(row.answered), std::string::npos) << answer.body;
    EXPECT_NE(answer.body.find("m=video 0 "), std::string::npos) << answer.body;
    EXPECT_NE(answer.body.find("a=group:BUNDLE 0\r\n"), std::string::npos) << answer.body;
    const auto people = api("GET", "/participants").at("participants").as_array();
    const auto& who = people.back().as_object();
    EXPECT_EQ(text(who, "name"), row.name);
    EXPECT_EQ(who.at("sends").as_bool(), row.sends);
    EXPECT_EQ(who.at("receives").as_bool(), row.receives);
    EXPECT_EQ(server_->http("DELETE", answer.location).status, 200);
  }
}

}  // namespace
}  // namespace parley::scenario
