// Targets, headers, routes, replies: everything below the socket.
#include "mcu/signaling/http.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mcu/signaling/reply.hpp"
#include "mcu/signaling/router.hpp"

namespace parley::signaling {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

TEST(Target, IsSplitAndDecoded) {
  Request request;
  ASSERT_TRUE(parse_target("/whip/my%2Droom?name=Ann+Lee&pin=%31&empty=&flag", request));
  EXPECT_THAT(request.path, ElementsAre("whip", "my-room"));
  EXPECT_THAT(request.query,
              ElementsAre(Pair("empty", ""), Pair("flag", ""), Pair("name", "Ann Lee"), Pair("pin", "1")));
  EXPECT_EQ(request.query_value("pin"), "1");
  EXPECT_EQ(request.query_value("none"), "");
}

TEST(Target, HasOneReadingOrNone) {
  struct Row {
    std::string target;
    bool good;
  };
  const Row rows[] = {
      {"/", true},
      {"/a/b", true},
      {"/a%20b", true},
      {"/a+b", true},
      {"", false},
      {"a", false},
      {"*", false},
      {"http://host/a", false},
      {"/../etc/passwd", false},
      {"/a/../b", false},
      {"/a/./b", false},
      {"/%2e%2e/b", false},
      {"/%2E/b", false},
      {"/a%00b", false},
      {"/a%0d%0aX:y", false},
      {"/a%7f", false},
      {"/a%", false},
      {"/a%2", false},
      {"/a%zz", false},
      {"/a?x=%0a", false},
      {"/a?x=1&x=2", false},
      {"/a?%zz=1", false},
      {"/" + std::string(9000, 'a'), false},
  };
  for (const auto& row : rows) {
    Request request;
    EXPECT_EQ(parse_target(row.target, request), row.good) << row.target.substr(0, 40);
  }
  Request request;
  std::string many = "/a?";
  for (int i = 0; i < 40; ++i) many += std::to_string(i) + "=1&";
  EXPECT_FALSE(parse_target(many, request));
}

TEST(Target, WhatIsEncodedIsDecodedAgain) {
  EXPECT_EQ(encode_segment("K\xc3\xbc"
                           "che 100%"),
            "K%C3%BCche%20100%25");
  for (const std::string text : {"a-b_c.d~e", "a/b?c#d",
                                 "K\xc3\xbc"
                                 "che",
                                 "+&=;"}) {
    Request request;
    ASSERT_TRUE(parse_target("/r/" + encode_segment(text), request)) << text;
    EXPECT_EQ(request.path.back(), text);
  }
}

TEST(Target, AnEncodedSlashStaysInsideItsSegment) {
  Request request;
  ASSERT_TRUE(parse_target("/whip/a%2Fb", request));
  EXPECT_THAT(request.path, ElementsAre("whip", "a/b"));
}

TEST(RequestHeaders, AreRead) {
  Request request;
  request.headers.set(http::field::content_type, "Application/SDP ; charset=utf-8");
  EXPECT_EQ(request.content_type(), "application/sdp");
  request.headers.set(http::field::authorization, "bearer the-key");
  EXPECT_EQ(request.bearer(), "the-key");
  request.headers.set(http::field::authorization, "Basic dGhlLWtleQ==");
  EXPECT_EQ(request.bearer(), "");
  request.headers.set(http::field::authorization, "Bearer ");
  EXPECT_EQ(request.bearer(), "");
}

TEST(Accept, NamesWhatMayBeAnswered) {
  struct Row {
    const char* accept;
    bool sdp;
  };
  for (const auto& row : {Row{"*/*", true}, Row{"application/sdp", true}, Row{"APPLICATION/SDP;q=0.5", true},
                          Row{"text/html, application/*", true}, Row{"text/html", false},
                          Row{"text/*", false}, Row{"application/json", false}, Row{"", false}}) {
    Request request;
    request.headers.set(http::field::accept, row.accept);
    EXPECT_EQ(request.accepts("application/sdp"), row.sdp) << row.accept;
  }
  EXPECT_TRUE(Request{}.accepts("application/sdp"));
}

TEST(Date, IsThatOfHttp) {
  EXPECT_EQ(http_date(784111777), "Sun, 06 Nov 1994 08:49:37 GMT");
}

// --- Routes

class Routes : public ::testing::Test {
 protected:
  Routes() {
    add(http::verb::get, "/");
    add(http::verb::get, "/rooms");
    add(http::verb::post, "/rooms");
    add(http::verb::get, "/rooms/{room}");
    add(http::verb::delete_, "/rooms/{room}/people/{id}");
  }
  void add(http::verb method, const char* pattern) {
    router.add(method, pattern, {}, [](const Request&) { return Response{}; });
  }
  Router router;
};

TEST_F(Routes, AreFoundByMethodAndPath) {
  EXPECT_NE(router.find(http::verb::get, {}).route, nullptr);
  EXPECT_NE(router.find(http::verb::get, {"rooms"}).route, nullptr);
  EXPECT_NE(router.find(http::verb::head, {"rooms"}).route, nullptr);
  const auto match = router.find(http::verb::delete_, {"rooms", "r", "people", "p"});
  ASSERT_NE(match.route, nullptr);
  EXPECT_THAT(match.variables, ElementsAre(Pair("id", "p"), Pair("room", "r")));
}

TEST_F(Routes, SayWhatElseTheyAllow) {
  const auto match = router.find(http::verb::put, {"rooms"});
  EXPECT_EQ(match.route, nullptr);
  EXPECT_EQ(match.allow, "GET, HEAD, POST, OPTIONS");
}

TEST_F(Routes, DoNotMatchNearMisses) {
  const std::vector<std::vector<std::string>> paths = {{"room"},
                                                       {"rooms", ""},
                                                       {"rooms", "r", "people"},
                                                       {"rooms", "r", "people", ""},
                                                       {"rooms", "r", "people", "p", "x"},
                                                       {"", "rooms"}};
  for (const auto& path : paths) EXPECT_EQ(router.find(http::verb::get, path).allow, "") << path.size();
}

// --- Replies

TEST(Replies, TheFirstCounts) {
  std::vector<int> statuses;
  {
    const Reply reply([&](Response response) { statuses.push_back(response.status); });
    const Reply copy = reply;
    Response created;
    created.status = 201;
    copy(created);
    reply(Response{});
  }
  EXPECT_THAT(statuses, ElementsAre(201));
}

TEST(Replies, AForgottenOneIs503) {
  std::vector<int> statuses;
  {
    const Reply reply([&](Response response) { statuses.push_back(response.status); });
    const Reply copy = reply;
    EXPECT_THAT(statuses, IsEmpty());
  }
  EXPECT_THAT(statuses, ElementsAre(503));
}

}  // namespace
}  // namespace parley::signaling
