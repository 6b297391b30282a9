// Streams and playback over HTTP, with stand-ins for those who do the work.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/mcu/signaling/server_fixture.hpp"

namespace parley::signaling {
namespace {

class FakeStreams final : public StreamsPort {
 public:
  int refuse_with = 0;
  StreamAsk asked;
  std::string stopped, file;

  Result<StreamView> start(const std::string&, const StreamAsk& ask) override {
    if (refuse_with != 0) return Error{"url: no", refuse_with};
    asked = ask;
    return one();
  }
  Result<std::vector<StreamView>> list(const std::string& room) override {
    if (room != "r") return Error{"there is no such room", 404};
    return std::vector{one()};
  }
  Status stop(const std::string&, const std::string& id) override {
    if (id != "s1") return Error{"there is no such stream", 404};
    stopped = id;
    return Done{};
  }
  void hls_file(const std::string&, const std::string& name, File answer) override {
    file = name;
    if (name == "live.m3u8") return answer(std::string("#EXTM3U\n"));
    answer(Error{"no such file", 404});
  }
  static StreamView one() {
    StreamView view;
    view.id = "s1";
    view.url = "rtmp://h:1935/a/***";
    view.codec = "aac";
    view.state = "retrying";
    view.cause = "gone";
    view.bitrate = 128'000;
    return view;
  }
};

class FakePlayback final : public PlaybackPort {
 public:
  PlayAsk asked;
  std::string stopped = "nothing";
  Result<PlayView> play(const std::string&, const PlayAsk& ask) override {
    asked = ask;
    PlayView view;
    view.id = "p1";
    view.state = "opening";
    return view;
  }
  Result<std::vector<PlayView>> playing(const std::string&) override { return std::vector<PlayView>(2); }
  Status stop_playing(const std::string&, const std::string& id) override {
    stopped = id;
    return Done{};
  }
};

class Broadcast : public ServerTest {
 protected:
  Broadcast() {
    ports.streams = &streams;
    ports.playback = &playback;
  }
  FakeStreams streams;
  FakePlayback playback;
};

TEST_F(Broadcast, StreamsAreStartedListedShownAndStopped) {
  start();
  const auto started =
      api("POST", "/rooms/r/streams", R"({"url":"rtmp://h/a/k","bitrate":96000,"video":"black"})");
  EXPECT_EQ(started.status, 201);
  EXPECT_EQ(started.header("Location"), "/api/v1/rooms/r/streams/s1");
  EXPECT_EQ(started.object().at("cause").as_string(), "gone");
  EXPECT_EQ(streams.asked.url, "rtmp://h/a/k");
  EXPECT_EQ(streams.asked.bitrate, 96'000);
  EXPECT_EQ(streams.asked.video, "black");
  EXPECT_EQ(api("GET", "/rooms/r/streams").object().at("streams").as_array().size(), 1U);
  EXPECT_EQ(api("GET", "/rooms/r/streams/s1").object().at("state").as_string(), "retrying");
  EXPECT_EQ(api("GET", "/rooms/r/streams/s2").status, 404);
  EXPECT_EQ(api("GET", "/rooms/x/streams").status, 404);
  EXPECT_EQ(api("DELETE", "/rooms/r/streams/s1").status, 204);
  EXPECT_EQ(streams.stopped, "s1");
  EXPECT_EQ(api("DELETE", "/rooms/r/streams/s9").status, 404);
}

TEST_F(Broadcast, RefusalsKeepTheirStatus) {
  start();
  EXPECT_EQ(api("POST", "/rooms/r/streams", R"({})").status, 400);
  EXPECT_EQ(api("POST", "/rooms/r/streams", R"({"url":"x","extra":1})").status, 400);
  struct Row {
    int status;
    const char* code;
  };
  for (const auto& [status, code] : {Row{400, "bad-value"}, Row{403, "forbidden"}, Row{409, "conflict"},
                                     Row{501, "not-installed"}, Row{503, "server-full"}}) {
    streams.refuse_with = status;
    const auto answer = api("POST", "/rooms/r/streams", R"({"url":"x"})");
    EXPECT_EQ(answer.status, status);
    EXPECT_EQ(answer.code(), code);
  }
}

TEST_F(Broadcast, HlsIsForPlayers) {
  start();
  auto client = HttpClient(address);
  client.send("GET /hls/r/live.m3u8 HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const auto playlist = client.receive();
  EXPECT_EQ(playlist.status, 200);
  EXPECT_EQ(playlist.header("Content-Type"), "application/vnd.apple.mpegurl");
  EXPECT_EQ(playlist.header("Cache-Control"), "no-cache");
  EXPECT_EQ(playlist.header("Access-Control-Allow-Origin"), "*");
  client.send("GET /hls/r/..%2Fsecret.ts HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(client.receive().status, 404);
  EXPECT_EQ(streams.file, "../secret.ts");  // it is for the port to refuse
}

TEST_F(Broadcast, OnlyTheOperatorReachesOut) {
  settings.admin_key = "the admin key of tests";
  start();
  for (const char* call : {"POST /api/v1/rooms/r/streams", "DELETE /api/v1/rooms/r/streams/s1",
                           "POST /api/v1/rooms/r/play", "GET /api/v1/rooms/r/streams"}) {
    auto client = HttpClient(address);
    client.send(std::string(call) + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n");
    EXPECT_EQ(client.receive().status, 401) << call;
  }
}

TEST_F(Broadcast, SoundsArePlayedAndStopped) {
  start();
  EXPECT_EQ(api("POST", "/rooms/r/play", R"({"file":"a.wav","loop":true,"gain_db":-6})").status, 201);
  EXPECT_EQ(playback.asked.file, "a.wav");
  EXPECT_TRUE(playback.asked.loop);
  EXPECT_EQ(playback.asked.gain_db, -6);
  EXPECT_EQ(api("POST", "/rooms/r/play", R"({"tone":440,"seconds":2,"announce":true})").status, 201);
  EXPECT_EQ(playback.asked.tone, 440);
  EXPECT_EQ(api("GET", "/rooms/r/play").object().at("playing").as_array().size(), 2U);
  EXPECT_EQ(api("DELETE", "/rooms/r/play/p1").status, 204);
  EXPECT_EQ(playback.stopped, "p1");
  EXPECT_EQ(api("POST", "/rooms/r/stop-playing").status, 204);
  EXPECT_EQ(playback.stopped, "");
}

}  // namespace
}  // namespace parley::signaling
