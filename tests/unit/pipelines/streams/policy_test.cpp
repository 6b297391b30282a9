#include "pipelines/streams/policy.hpp"

#include <gtest/gtest.h>

#include "pipelines/streams/resolve.hpp"

namespace parley::streams {
namespace {

Policy policy(const std::vector<std::string>& rules) {
  auto parsed = Policy::parse(rules);
  EXPECT_TRUE(parsed) << parsed.error().what;
  return *parsed;
}

bool allows(const Policy& policy, const std::string& url) {
  const auto target = parse_target(url);
  EXPECT_TRUE(target) << url;
  return policy.check(*target).ok();
}

TEST(StreamPolicy, AStarMeansPublicAddressesOnly) {
  const auto any = policy({"rtmp://*"});
  EXPECT_TRUE(allows(any, "rtmp://198.41.0.4/a/b"));
  EXPECT_TRUE(allows(any, "rtmp://[2a00:1450::1]/a/b"));
  EXPECT_TRUE(allows(any, "rtmp://live.example/a/b"));  // until its address is known
  for (const char* address :
       {"127.0.0.1",       "127.9.9.9",       "0.0.0.0",    "10.1.2.3",           "172.16.0.1",
        "192.168.1.1",     "169.254.169.254", "100.64.0.1", "192.0.2.1",          "224.0.0.1",
        "255.255.255.255", "[::1]",           "[::]",       "[::ffff:127.0.0.1]", "[::ffff:10.0.0.1]",
        "[fe80::1]",       "[fc00::1]",       "[ff02::1]",  "[64:ff9b::7f00:1]",  "[2002:7f00:1::]",
        "[2001:db8::1]",   "[2001:0:1::1]"})
    EXPECT_FALSE(allows(any, "rtmp://" + std::string(address) + "/a/b")) << address;
  EXPECT_FALSE(allows(any, "rtmps://198.41.0.4/a/b"));
  EXPECT_FALSE(allows(any, "rtp://198.41.0.4:9"));
}

TEST(StreamPolicy, ANameThatLeadsInsideIsRefused) {
  const auto any = policy({"rtmp://*", "rtmp://*.example.org"});
  const auto target = *parse_target("rtmp://evil.example.org/a/b");
  EXPECT_TRUE(any.check(target));
  EXPECT_TRUE(any.check(target, *IpAddress::parse("198.41.0.4")));
  EXPECT_FALSE(any.check(target, *IpAddress::parse("127.0.0.1")));
  EXPECT_FALSE(any.check(target, *IpAddress::parse("169.254.169.254")));
  EXPECT_FALSE(any.check(target, *IpAddress::parse("::ffff:10.0.0.7")));

  // A name every machine has, and spellings of 127.0.0.1 that getaddrinfo() takes.
  for (const char* url : {"rtmp://localhost/a/b", "rtmp://127.1/a/b", "rtmp://2130706433/a/b",
                          "rtmp://0x7f000001/a/b", "rtmp://0/a/b"}) {
    const auto resolved = resolve(*parse_target(url), any);
    ASSERT_FALSE(resolved) << url;
    EXPECT_EQ(resolved.error().code, kRefused) << resolved.error().what;
  }
  const auto local = resolve(*parse_target("rtmp://localhost/a/b"), policy({"rtmp://localhost"}));
  ASSERT_TRUE(local) << local.error().what;
  EXPECT_TRUE(local->is_loopback());
}

TEST(StreamPolicy, ListedHostsNetworksAndPorts) {
  const auto listed =
      policy({"icecast://radio.lan:8000-8010", "srt://10.1.0.0/16", "rtp://[::1]:5004", "hls:"});
  EXPECT_TRUE(allows(listed, "icecast://p@radio.lan:8005/m"));
  EXPECT_FALSE(allows(listed, "icecast://p@radio.lan:8011/m"));
  EXPECT_FALSE(allows(listed, "icecast://p@other.lan:8005/m"));
  EXPECT_TRUE(listed.check(*parse_target("icecast://p@radio.lan/m"), *IpAddress::parse("10.9.9.9")));
  EXPECT_TRUE(allows(listed, "srt://10.1.2.3:9000"));
  EXPECT_FALSE(allows(listed, "srt://10.2.2.3:9000"));
  EXPECT_FALSE(allows(listed, "srt://:9000?mode=listener"));
  EXPECT_TRUE(allows(listed, "rtp://[::1]:5004"));
  EXPECT_FALSE(allows(listed, "rtp://[::1]:5005"));
  EXPECT_TRUE(allows(listed, "hls:"));
  EXPECT_FALSE(allows(listed, "file:x.opus"));
  EXPECT_TRUE(allows(policy({"srt://0.0.0.0:9000"}), "srt://:9000?mode=listener"));
  EXPECT_FALSE(allows(policy({"srt://*"}), "srt://:9000?mode=listener"));
}

TEST(StreamPolicy, ARuleThatCannotBeReadIsNamed) {
  for (const char* rule : {"", "rtmp", "rtmp:", "rtmp://", "http://x", "rtmp://x:0", "rtmp://x:9-8",
                           "rtmp://a b", "rtmp://x/y", "hls://x", "rtmp://*.", "RTMP://x"}) {
    const auto parsed = Policy::parse({"rtmp://*", rule});
    ASSERT_FALSE(parsed) << rule;
    EXPECT_NE(parsed.error().what.find('"' + std::string(rule) + '"'), std::string::npos);
  }
}

TEST(StreamPolicy, NothingListedNothingAllowed) {
  const auto none = policy({});
  for (const char* url : {"rtmp://198.41.0.4/a/b", "icecast://p@h/m", "hls:", "file:x.opus"})
    EXPECT_FALSE(allows(none, url));
}

}  // namespace
}  // namespace parley::streams
