// The page's files as the server hands them out: which paths, which headers, and nothing else.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/mcu/signaling/server_fixture.hpp"

namespace parley::signaling {
namespace {

using testing::HasSubstr;
using testing::Not;

class Pages : public ServerTest {
 protected:
  Pages() {
    ports.files = {{"index.html", "<!doctype html>join"},
                   {"status.html", "<!doctype html>status"},
                   {"main.js", "start();"},
                   {"style.css", "body {}"},
                   {"logo.svg", "<svg/>"}};
  }
};

TEST_F(Pages, EachFileHasItsPath) {
  start();
  const struct {
    std::string path, type, body;
  } cases[] = {
      {"/", "text/html; charset=utf-8", "<!doctype html>join"},
      {"/r/standup", "text/html; charset=utf-8", "<!doctype html>join"},
      {"/r/stand%20up%3F", "text/html; charset=utf-8", "<!doctype html>join"},
      {"/r/standup?name=Ann", "text/html; charset=utf-8", "<!doctype html>join"},
      {"/status", "text/html; charset=utf-8", "<!doctype html>status"},
      {"/assets/main.js", "text/javascript; charset=utf-8", "start();"},
      {"/assets/style.css", "text/css; charset=utf-8", "body {}"},
      {"/assets/logo.svg", "image/svg+xml", "<svg/>"},
  };
  for (const auto& one : cases) {
    const auto answer = request("GET", one.path);
    EXPECT_EQ(answer.status, 200) << one.path;
    EXPECT_EQ(answer.header("Content-Type"), one.type) << one.path;
    EXPECT_EQ(answer.body, one.body) << one.path;
    EXPECT_EQ(answer.header("X-Content-Type-Options"), "nosniff") << one.path;
    EXPECT_EQ(answer.header("Referrer-Policy"), "no-referrer") << one.path;
    const auto head = request("HEAD", one.path);
    EXPECT_EQ(head.status, 200) << one.path;
    EXPECT_EQ(head.header("Content-Length"), std::to_string(one.body.size())) << one.path;
  }
}

TEST_F(Pages, NothingElseIsThere) {
  start();
  const struct {
    std::string path;
    int status;
  } cases[] = {
      {"/r/", 404},
      {"/r", 404},
      {"/r/a/b", 404},
      {"/r/..", 400},
      {"/r/%2e%2e", 400},
      {"/r/..%2f..%2fetc%2fpasswd", 200},  // a strange name of a room: the page, and nothing but the page
      {"/r/a%00b", 400},
      {"/r/a%0d%0aSet-Cookie:x", 400},
      {"/r/%zz", 400},
      {"/assets/", 404},
      {"/assets/../index.html", 400},
      {"/assets/%2e%2e/index.html", 400},
      {"/assets/index.html", 404},
      {"/assets/none.js", 404},
      {"/assets//main.js", 404},
      {"/index.html", 404},
      {"/status.html", 404},
  };
  for (const auto& one : cases) EXPECT_EQ(request("GET", one.path).status, one.status) << one.path;
  EXPECT_EQ(request("GET", "/r/..%2f..%2fetc%2fpasswd").body, "<!doctype html>join");
  EXPECT_EQ(request("GET", "/r/" + std::string(7000, 'x')).status, 200);
  EXPECT_EQ(request("GET", "/r/" + std::string(100'000, 'x')).status, 431);
  EXPECT_EQ(request("POST", "/r/standup").status, 405);
}

TEST_F(Pages, ScriptsComeFromFilesOfThisServerOnly) {
  start();
  for (const std::string path : {"/", "/r/standup", "/status"}) {
    const auto policy = request("GET", path).header("Content-Security-Policy");
    EXPECT_THAT(policy, HasSubstr("default-src 'none'")) << path;
    EXPECT_THAT(policy, HasSubstr("script-src 'self'")) << path;
    EXPECT_THAT(policy, HasSubstr("frame-ancestors 'none'")) << path;
    EXPECT_THAT(policy, Not(HasSubstr("unsafe"))) << path;
    EXPECT_THAT(policy, Not(HasSubstr("*"))) << path;
  }
}

TEST_F(Pages, AKnownVersionIsNotSentAgain) {
  start();
  const auto first = request("GET", "/assets/main.js");
  const auto tag = first.header("ETag");
  ASSERT_FALSE(tag.empty());
  EXPECT_EQ(first.header("Cache-Control"), "no-cache");
  const auto again = request("GET", "/assets/main.js", {{"If-None-Match", tag}});
  EXPECT_EQ(again.status, 304);
  EXPECT_EQ(again.body, "");
  EXPECT_EQ(again.header("ETag"), tag);
  EXPECT_EQ(request("GET", "/assets/main.js", {{"If-None-Match", "\"other\""}}).status, 200);
  EXPECT_NE(request("GET", "/assets/style.css").header("ETag"), tag);
}

TEST_F(Pages, PagesOfOthersGetNone) {
  start();
  EXPECT_EQ(request("GET", "/", {{"Origin", "https://evil.example"}}).status, 403);
  EXPECT_EQ(request("GET", "/r/standup", {{"Host", "evil.example"}}).status, 403);
}

}  // namespace
}  // namespace parley::signaling
