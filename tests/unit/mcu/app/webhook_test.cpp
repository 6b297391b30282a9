#include "mcu/app/webhook.hpp"

#include <gtest/gtest.h>
#include <openssl/hmac.h>

#include "tests/support/http_receiver.hpp"

namespace parley::app {
namespace {

const std::string kKey = "f3Zq81LmPz7Kc2Vn9XtB4w";

std::string refused(const std::string& url, const std::vector<std::string>& allow) {
  const auto made = Webhook::make(url, kKey, allow);
  return made ? "" : made.error().what;
}

TEST(HookUrl, IsReadWhole) {
  struct Row {
    std::string text;
    bool tls;
    std::string host;
    int port;
    std::string target;
  };
  const std::vector<Row> rows = {
      {"http://Hooks.example.org", false, "hooks.example.org", 80, "/"},
      {"https://hooks.example.org/a/b?c=d", true, "hooks.example.org", 443, "/a/b?c=d"},
      {"http://127.0.0.1:8080?x", false, "127.0.0.1", 8'080, "/?x"},
      {"https://[2a00:1450::1]:9443/x", true, "2a00:1450::1", 9'443, "/x"},
  };
  for (const auto& row : rows) {
    const auto url = parse_hook_url(row.text);
    ASSERT_TRUE(url) << row.text << ": " << url.error().what;
    EXPECT_EQ(url->tls, row.tls) << row.text;
    EXPECT_EQ(url->host, row.host);
    EXPECT_EQ(url->port, row.port);
    EXPECT_EQ(url->target, row.target);
  }
}

TEST(HookUrl, IsStrict) {
  for (const std::string text :
       {"", "ftp://h/", "http://", "http:///x", "http://user:pass@h/", "http://h:0/", "http://h:99999/",
        "http://h:1x/", "http://h/a b", "http://h/\r\nX: y", "http://h/#f", "http://[::1/",
        "http://[1.2.3.4]/", "http://h\x01/", "http://ha%20/"})
    EXPECT_FALSE(parse_hook_url(text)) << text;
  EXPECT_FALSE(parse_hook_url("http://" + std::string(3'000, 'h')));
}

// Server-side request forgery: whoever may set the URL cannot aim the server at its own network.
TEST(Webhook, GoesOnlyWhereItMay) {
  EXPECT_NE(refused("http://127.0.0.1/", {"http://*"}), "");
  EXPECT_NE(refused("http://169.254.169.254/latest", {"http://*", "https://*"}), "");
  EXPECT_NE(refused("http://[::1]/", {"http://*"}), "");
  EXPECT_NE(refused("https://hooks.example.org/", {"http://*"}), "");
  EXPECT_NE(refused("https://hooks.example.org:8443/", {"https://*:443"}), "");
  EXPECT_EQ(refused("https://hooks.example.org/", {"https://*.example.org"}), "");
  EXPECT_EQ(refused("http://10.1.2.3/", {"http://10.0.0.0/8"}), "");
  EXPECT_NE(refused("", {"gopher://*"}), "") << "no rule";
  EXPECT_FALSE(Webhook::make("https://hooks.example.org/", "", {"https://*"})) << "unsigned";
}

TEST(Webhook, ANameThatLeadsInsideIsNotFollowed) {
  test::HttpReceiver receiver;
  const auto url = "http://localhost:" + std::to_string(receiver.port()) + "/";
  const auto outside = Webhook::make(url, kKey, {"http://*"});
  ASSERT_TRUE(outside) << outside.error().what;
  const auto posted = outside->post("e", "1", "{}", 5);
  ASSERT_FALSE(posted);
  EXPECT_NE(posted.error().what.find("not allowed by webhooks.allow"), std::string::npos)
      << posted.error().what;
  EXPECT_EQ(receiver.connections(), 0);
  EXPECT_TRUE(Webhook::make(url, kKey, {"http://localhost"})->post("e", "1", "{}", 5));
}

TEST(Webhook, SignsWhatItSends) {
  test::HttpReceiver receiver;
  const auto hook = Webhook::make("http://127.0.0.1:" + std::to_string(receiver.port()) + "/in?x=1", kKey,
                                  {"http://127.0.0.0/8"});
  ASSERT_TRUE(hook);
  ASSERT_TRUE(hook->post("recording.finished", "r1", R"({"a":1})", 1'795'608'000));
  const auto requests = receiver.requests();
  ASSERT_EQ(requests.size(), 1U);
  EXPECT_EQ(requests[0].line, "POST /in?x=1 HTTP/1.1");
  auto headers = requests[0].headers;
  EXPECT_EQ(headers["Content-Type"], "application/json");
  EXPECT_EQ(headers["Parley-Event"], "recording.finished");
  EXPECT_EQ(headers["Parley-Delivery"], "r1");
  const auto text = headers["Parley-Timestamp"] + "." + requests[0].body;
  EXPECT_EQ(text, "1795608000.{\"a\":1}");
  unsigned char mac[32];
  unsigned size = 0;
  ::HMAC(::EVP_sha256(), kKey.data(), static_cast<int>(kKey.size()),
         reinterpret_cast<const unsigned char*>(text.data()), text.size(), mac, &size);
  std::string hex = "v1=";
  for (const unsigned char byte : mac) {
    char digits[3];
    std::snprintf(digits, sizeof digits, "%02x", byte);
    hex += digits;
  }
  EXPECT_EQ(headers["Parley-Signature"], hex);
}

TEST(Webhook, AnythingButATwoHundredIsAFailure) {
  test::HttpReceiver receiver;
  const auto hook =
      Webhook::make("http://127.0.0.1:" + std::to_string(receiver.port()), kKey, {"http://127.0.0.1"});
  ASSERT_TRUE(hook);
  for (const int status : {301, 404, 500}) {
    receiver.answer(status);
    const auto posted = hook->post("e", "1", "{}", 5);
    ASSERT_FALSE(posted) << status;
    EXPECT_NE(posted.error().what.find(std::to_string(status)), std::string::npos);
  }
  receiver.answer(204);
  EXPECT_TRUE(hook->post("e", "1", "{}", 5));
}

}  // namespace
}  // namespace parley::app
