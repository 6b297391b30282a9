// HTTP as a stranger may speak it: slowly, wrongly, too much, from elsewhere.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/mcu/signaling/server_fixture.hpp"

namespace parley::signaling {
namespace {

using ::testing::AnyOf;
using ::testing::Eq;
using ::testing::HasSubstr;

class HttpServer : public ServerTest {
 protected:
  // Sends bytes on a connection of their own and gives the first answer.
  Answer raw(const std::string& bytes) {
    HttpClient client(address);
    client.send(bytes);
    return client.receive();
  }
};

TEST_F(HttpServer, HealthReadinessAndMetrics) {
  bool ready = false;
  ports.ready = [&] { return ready; };
  ports.metrics = [] { return std::string("parley_rooms 0\n"); };
  start();
  EXPECT_EQ(request("GET", "/healthz").body, "ok\n");
  EXPECT_EQ(request("GET", "/readyz").status, 503);
  on_ctl([&] { ready = true; });
  EXPECT_EQ(request("GET", "/readyz").status, 200);
  const auto metrics = request("GET", "/metrics");
  EXPECT_EQ(metrics.body, "parley_rooms 0\n");
  EXPECT_EQ(metrics.header("Content-Type"), "text/plain; version=0.0.4; charset=utf-8");
}

TEST_F(HttpServer, EveryAnswerIsGuardedAndDated) {
  start();
  const auto answer = request("GET", "/healthz");
  EXPECT_EQ(answer.header("X-Content-Type-Options"), "nosniff");
  EXPECT_EQ(answer.header("Cache-Control"), "no-store");
  EXPECT_THAT(answer.header("Date"), HasSubstr(" GMT"));
}

TEST_F(HttpServer, HeadHasTheLengthAndNoBody) {
  start();
  const auto answer = request("HEAD", "/healthz");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.header("Content-Length"), "3");
  EXPECT_EQ(answer.body, "");
}

TEST_F(HttpServer, WrongPathsAndMethods) {
  start();
  struct Row {
    const char* method;
    const char* target;
    int status;
  };
  const Row rows[] = {
      {"GET", "/", 404},
      {"GET", "/nothing", 404},
      {"GET", "/api/v2/rooms", 404},
      {"GET", "/api/v1/recordings", 404},
      {"POST", "/api/v1/rooms/r/recording/start", 404},
      {"POST", "/healthz", 405},
      {"BREW", "/healthz", 405},
      {"DELETE", "/api/v1/rooms", 405},
      {"GET", "/whip/r", 405},
      {"GET", "/../etc/passwd", 400},
      {"GET", "/api/v1/../../healthz", 400},
      {"GET", "/%2e%2e/healthz", 400},
      {"GET", "/healthz%00", 400},
      {"GET", "/healthz?a=1&a=2", 400},
      {"GET", "http://127.0.0.1/healthz", 400},
      {"GET", "/healthz/", 404},
      {"GET", "//healthz", 404},
  };
  for (const auto& row : rows) {
    const auto answer = request(row.method, row.target);
    EXPECT_EQ(answer.status, row.status) << row.method << " " << row.target;
    EXPECT_EQ(answer.header("Content-Type"), "application/problem+json") << row.target;
    EXPECT_EQ(answer.object().at("status").as_int64(), row.status);
  }
  EXPECT_EQ(request("PUT", "/api/v1/rooms").header("Allow"), "GET, HEAD, POST, OPTIONS");
}

TEST_F(HttpServer, WhatIsNoHttpIsRefusedAndClosed) {
  start();
  struct Row {
    const char* what;
    std::string bytes;
    int status;
    bool well_formed = false;  // the connection goes on
  };
  const Row rows[] = {
      {"garbage", "\x16\x03\x01 hello\r\n\r\n", 400},
      {"version", "GET / HTTP/3.0\r\nHost: localhost\r\n\r\n", 400},
      {"no host", "GET /healthz HTTP/1.1\r\n\r\n", 400, true},
      {"two hosts", "GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: evil\r\n\r\n", 400, true},
      {"a header of controls", "GET / HTTP/1.1\r\nHost: localhost\r\nA\x01: b\r\n\r\n", 400},
      {"two lengths",
       "POST /whip/r HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400},
      {"negative length", "POST /whip/r HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n", 400},
      {"length and chunks",
       "POST /whip/r HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: "
       "chunked\r\n\r\n0\r\n\r\n",
       400},
      {"a bad chunk",
       "POST /whip/r HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/sdp\r\nTransfer-Encoding: "
       "chunked\r\n\r\nzz\r\n",
       400},
      {"too large a header", "GET / HTTP/1.1\r\nHost: localhost\r\nX: " + std::string(9000, 'x') + "\r\n\r\n",
       431},
  };
  for (const auto& row : rows) {
    HttpClient client(address);
    client.send(row.bytes);
    EXPECT_EQ(client.receive().status, row.status) << row.what;
    EXPECT_TRUE(row.well_formed || client.is_closed()) << row.what;
  }
  EXPECT_EQ(request("GET", "/healthz").status, 200);
}

TEST_F(HttpServer, PipelinedRequestsAreAnsweredInOrder) {
  start();
  HttpClient client(address);
  client.send(text_of("GET", "/healthz") + text_of("GET", "/nothing") + text_of("HEAD", "/healthz") +
              text_of("GET", "/readyz"));
  EXPECT_EQ(client.receive().body, "ok\n");
  EXPECT_EQ(client.receive().status, 404);
  EXPECT_EQ(client.receive(true).header("Content-Length"), "3");
  EXPECT_EQ(client.receive().body, "ready\n");
  client.send(text_of("GET", "/healthz", {{"Connection", "close"}}));
  EXPECT_EQ(client.receive().status, 200);
  EXPECT_TRUE(client.is_closed());
}

TEST_F(HttpServer, BodiesAreBoundedAnnouncedOrNot) {
  settings.max_sdp_bytes = 1000;
  start();
  const Headers sdp{{"Content-Type", "application/sdp"}};
  EXPECT_EQ(request("POST", "/whip/r", sdp, std::string(1000, 'x')).status, 201);
  EXPECT_EQ(request("POST", "/whip/r", sdp, std::string(1001, 'x')).status, 413);
  EXPECT_EQ(raw("POST /whip/r HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/sdp\r\n"
                "Content-Length: 99999999999\r\n\r\n")
                .status,
            413);
  EXPECT_EQ(raw("POST /whip/r HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/sdp\r\n"
                "Transfer-Encoding: chunked\r\n\r\n800\r\n" +
                std::string(2048, 'x') + "\r\n0\r\n\r\n")
                .status,
            413);
  EXPECT_EQ(raw("POST /whip/r HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/sdp\r\n"
                "Transfer-Encoding: chunked\r\n\r\n3e8\r\n" +
                std::string(1000, 'x') + "\r\n0\r\n\r\n")
                .status,
            201);
  EXPECT_EQ(request("POST", "/api/v1/rooms/r/lock", {}, "{}").status, 413);  // takes no body at all
  EXPECT_EQ(request("GET", "/healthz", {}, "x").status, 413);
}

TEST_F(HttpServer, AnAnswerArrivesThoughTheBodyIsStillComing) {
  start();
  HttpClient client(address);
  client.send("POST /whip/r HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900000\r\n\r\n");
  client.send(std::string(500'000, 'x'));
  EXPECT_EQ(client.receive().status, 413);
}

TEST_F(HttpServer, ExpectContinueIsAnswered) {
  start();
  HttpClient client(address);
  client.send(
      "POST /whip/r HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/sdp\r\n"
      "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n");
  EXPECT_EQ(client.receive().status, 100);
  client.send("offer");
  EXPECT_EQ(client.receive().status, 201);
}

// --- Slowness

TEST_F(HttpServer, ASlowHeaderCostsTheConnection) {
  settings.header_timeout = 200ms;
  start();
  HttpClient client(address);
  client.send("GET /healthz HTTP/1.1\r\nHost: ");
  EXPECT_TRUE(client.is_closed());
}

TEST_F(HttpServer, ASlowBodyCostsTheConnection) {
  settings.body_timeout = 200ms;
  start();
  HttpClient client(address);
  client.send("POST /whip/r HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nhalf");
  EXPECT_TRUE(client.is_closed());
}

TEST_F(HttpServer, AnIdleConnectionIsHarmlessAndEndsInTime) {
  settings.header_timeout = 100ms;
  settings.idle_timeout = 600ms;
  start();
  const auto begin = now();
  HttpClient spare(address), used(address);
  EXPECT_EQ(request("GET", "/healthz").status, 200);
  used.send(text_of("GET", "/healthz"));
  EXPECT_EQ(used.receive().status, 200);
  EXPECT_TRUE(spare.is_closed());
  EXPECT_TRUE(used.is_closed());
  EXPECT_GE(now() - begin, 500ms);
}

TEST_F(HttpServer, AHandlerThatNeverAnswersIs503) {
  settings.handler_timeout = 200ms;
  std::function<void(Result<std::string>)> kept;
  ports.graph = [&](RoomId, std::function<void(Result<std::string>)> answer) { kept = std::move(answer); };
  start();
  ASSERT_EQ(whip("/whip/r").status, 201);
  EXPECT_EQ(api("GET", "/rooms/r/graph").status, 503);
  on_ctl([&] { kept(std::string("too late")); });
  EXPECT_EQ(request("GET", "/healthz").status, 200);
  on_ctl([&] { kept = nullptr; });
}

TEST_F(HttpServer, AHandlerThatForgetsIs503AtOnce) {
  ports.graph = [](RoomId, const std::function<void(Result<std::string>)>&) {};
  start();
  ASSERT_EQ(whip("/whip/r").status, 201);
  EXPECT_EQ(api("GET", "/rooms/r/graph").status, 503);
}

TEST_F(HttpServer, AHandlerThatThrowsIs500) {
  ports.metrics = []() -> std::string { throw std::runtime_error("out of order"); };
  start();
  const auto answer = request("GET", "/metrics");
  EXPECT_EQ(answer.status, 500);
  EXPECT_EQ(answer.body.find("out of order"), std::string::npos);
}

TEST_F(HttpServer, ThereIsAPlaceForSoManyConnections) {
  settings.max_connections = 3;
  start();
  auto first = std::make_unique<HttpClient>(address);
  HttpClient second(address), third(address);
  for (auto* client : {first.get(), &second, &third}) {
    client->send(text_of("GET", "/healthz"));
    EXPECT_EQ(client->receive().status, 200);
  }
  HttpClient fourth(address);
  EXPECT_TRUE(fourth.is_closed());
  EXPECT_EQ(on_ctl([&] { return server().stats().refused_connections; }), 1U);
  first.reset();
  EXPECT_THAT(
      [&] {
        for (int i = 0; i < 1000; ++i)
          if (on_ctl([&] { return server().stats().connections; }) == 2) return 2;
        return 0;
      }(),
      Eq(2));
  EXPECT_EQ(request("GET", "/healthz").status, 200);
}

TEST_F(HttpServer, AThousandIdleConnectionsStopNobody) {
  start();
  std::vector<std::unique_ptr<HttpClient>> idle;
  for (int i = 0; i < 300; ++i) {
    idle.push_back(std::make_unique<HttpClient>(address));
    if (i % 3 == 0) idle.back()->send("GET /healthz HTTP/1.1\r\nX-");
  }
  EXPECT_EQ(request("GET", "/healthz").status, 200);
  EXPECT_GE(on_ctl([&] { return server().stats().accepted; }), 301U);
}

// --- Origins

TEST_F(HttpServer, ForeignPagesAndNamesAreRefused) {
  settings.allowed_origins = {"https://meet.example.org"};
  start();
  EXPECT_EQ(request("GET", "/healthz", {{"Origin", "https://evil.example"}}).status, 403);
  EXPECT_EQ(request("POST", "/api/v1/rooms", {{"Origin", "null"}}).status, 403);
  EXPECT_EQ(request("GET", "/api/v1/rooms", {{"Host", "evil.example"}}).status, 403);
  EXPECT_EQ(request("GET", "/healthz", {{"Origin", "http://" + address.to_string()}}).status, 200);
  const auto allowed = request("GET", "/healthz", {{"Origin", "https://meet.example.org"}});
  EXPECT_EQ(allowed.status, 200);
  EXPECT_EQ(allowed.header("Access-Control-Allow-Origin"), "https://meet.example.org");
  EXPECT_EQ(allowed.header("Vary"), "Origin");
}

TEST_F(HttpServer, AnAllowedPageIsToldWhatItMayDo) {
  settings.allowed_origins = {"https://meet.example.org"};
  start();
  const auto answer =
      request("OPTIONS", "/whip/r",
              {{"Origin", "https://meet.example.org"}, {"Access-Control-Request-Method", "POST"}});
  EXPECT_EQ(answer.status, 204);
  EXPECT_EQ(answer.header("Access-Control-Allow-Origin"), "https://meet.example.org");
  EXPECT_EQ(answer.header("Access-Control-Allow-Methods"), "POST, OPTIONS");
  EXPECT_THAT(answer.header("Access-Control-Allow-Headers"), HasSubstr("If-Match"));
  EXPECT_THAT(answer.header("Access-Control-Expose-Headers"), HasSubstr("Location"));
  EXPECT_EQ(request("OPTIONS", "/nothing").status, 404);
}

// --- The port

TEST_F(HttpServer, ABusyPortIsAClearError) {
  start();
  SignalingSettings second;
  second.listen = address;
  asio::io_context io;
  EventHub hub;
  room::RoomService other(room_settings, media, hub);
  const auto opened = Server::open(io, second, other, hub, {});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().what, address.to_string() + ": Address already in use");
}

TEST_F(HttpServer, ReloadTakesKeysAndLimitsButNoNonsense) {
  start();
  EXPECT_EQ(api("GET", "/rooms").status, 200);
  auto changed = settings;
  changed.admin_key = "a key that came later";
  EXPECT_TRUE(on_ctl([&] { return server().reload(changed); }));
  EXPECT_EQ(api("GET", "/rooms").status, 401);
  settings.admin_key = changed.admin_key;
  EXPECT_EQ(api("GET", "/rooms").status, 200);
  changed.admin_key = "short";
  EXPECT_FALSE(on_ctl([&] { return server().reload(changed); }));
  EXPECT_EQ(api("GET", "/rooms").status, 200);
}

TEST_F(HttpServer, StoppingEndsIdleConnectionsAndTheListener) {
  start();
  HttpClient idle(address);
  EXPECT_EQ(request("GET", "/healthz").status, 200);
  stop_server();
  EXPECT_TRUE(idle.is_closed());
}

TEST_F(HttpServer, AnswersAreCounted) {
  start();
  request("GET", "/healthz");
  request("GET", "/nothing");
  whip("/whip/r");
  const auto stats = on_ctl([&] { return server().stats(); });
  EXPECT_EQ(stats.answers_by_class[2], 2U);
  EXPECT_EQ(stats.answers_by_class[4], 1U);
}

}  // namespace
}  // namespace parley::signaling
