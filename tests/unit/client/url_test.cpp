#include "client/url.hpp"

#include <gtest/gtest.h>

#include <string_view>

namespace parley::client {
namespace {

TEST(ServerUrl, TakesWhatAUserMayType) {
  struct Row {
    const char* text;
    const char* host;
    int port;
    const char* authority;
  };
  const Row rows[] = {
      {"http://127.0.0.1:8080", "127.0.0.1", 8080, "127.0.0.1:8080"},
      {"http://example.org", "example.org", 80, "example.org:80"},
      {"HTTP://Example.ORG:1/", "example.org", 1, "example.org:1"},
      {"ws://mcu-1.example.org:65535", "mcu-1.example.org", 65535, "mcu-1.example.org:65535"},
      {"https://example.org", "example.org", 443, "example.org:443"},
      {"wss://example.org:8443", "example.org", 8443, "example.org:8443"},
      {"http://[::1]:8080", "::1", 8080, "[::1]:8080"},
      {"http://[2001:DB8::1]", "2001:db8::1", 80, "[2001:db8::1]:80"},
  };
  for (const auto& row : rows) {
    const auto url = parse_server_url(row.text);
    ASSERT_TRUE(url) << row.text << ": " << url.error().what;
    EXPECT_EQ(url->host, row.host);
    EXPECT_EQ(url->port, row.port);
    EXPECT_EQ(url->authority(), row.authority);
    const std::string_view text = row.text;
    EXPECT_EQ(url->tls, text.starts_with("https:") || text.starts_with("wss:"));
  }
}

TEST(ServerUrl, RefusesTheRestAndSaysWhy) {
  struct Row {
    const char* text;
    const char* why;
  };
  const Row rows[] = {
      {"", "no scheme"},
      {"127.0.0.1:8080", "no scheme"},
      {"ftp://example.org", "unknown scheme"},
      {"http://", "host"},
      {"http://:80", "host"},
      {"http://a..b", "host"},
      {"http://-a", "host"},
      {"http://a b", "host"},
      {"http://a\r\nX: y", "host"},
      {"http://1.2.3.4.5", "IPv4"},
      {"http://300.1.1.1", "IPv4"},
      {"http://example.org:", "port"},
      {"http://example.org:0", "port"},
      {"http://example.org:65536", "port"},
      {"http://example.org:80x", "port"},
      {"http://example.org:+80", "port"},
      {"http://[::1", "bracket"},
      {"http://[1.2.3.4]", "IPv6"},
      {"http://[::1]x", "bracket"},
      {"http://user@example.org", "user information"},
      {"http://example.org/r/demo", "path"},
      {"http://example.org?x", "path"},
  };
  for (const auto& row : rows) {
    const auto url = parse_server_url(row.text);
    ASSERT_FALSE(url) << row.text;
    EXPECT_NE(url.error().what.find(row.why), std::string::npos) << row.text << ": " << url.error().what;
  }
}

TEST(PathSegment, IsEncoded) {
  EXPECT_EQ(encode_path_segment("demo-1_2.x~"), "demo-1_2.x~");
  EXPECT_EQ(encode_path_segment("a/b c?"), "a%2Fb%20c%3F");
  EXPECT_EQ(encode_path_segment("Café"), "Caf%C3%A9");
  EXPECT_EQ(encode_path_segment(".."), "%2E%2E");
}

}  // namespace
}  // namespace parley::client
