#include "transport/sdp/fragment.hpp"

#include <gtest/gtest.h>

#include "tests/unit/transport/sdp/samples.hpp"

namespace parley::sdp {
namespace {

// The forms of RFC 9725 sections 4.3.1 and 4.3.2, with addresses of RFC 5737.
const std::string kTrickle = crlf(R"(a=group:BUNDLE 0 1
m=audio 9 UDP/TLS/RTP/SAVPF 111
a=mid:0
a=ice-ufrag:EsAw
a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1
a=candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host generation 0 ufrag EsAw network-id 1
a=candidate:3471623853 1 udp 2122194687 198.51.100.2 61765 typ host generation 0 ufrag EsAw network-id 2
a=candidate:473322822 1 tcp 1518280447 192.0.2.1 9 typ host tcptype active generation 0 ufrag EsAw network-id 1
a=end-of-candidates
)");
const std::string kRestart = crlf(R"(a=ice-options:trickle ice2
a=group:BUNDLE 0 1
m=audio 9 UDP/TLS/RTP/SAVPF 111
a=mid:0
a=ice-ufrag:ysXw
a=ice-pwd:vw5LmwG4y/e6dPP/zAP9Gp5k
a=candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host generation 0 ufrag EsAw network-id 1
)");

TEST(Fragment, Trickle) {
  const auto fragment = parse_fragment(kTrickle);
  ASSERT_TRUE(fragment) << fragment.error().what;
  EXPECT_EQ(fragment->ufrag, "EsAw");
  EXPECT_EQ(fragment->pwd, "P2uYro0UCOQ4zxjKXaWCBui1");
  ASSERT_EQ(fragment->candidates.size(), 2u);
  EXPECT_EQ(fragment->candidates[1].address.to_string(), "198.51.100.2:61765");
  EXPECT_TRUE(fragment->end_of_candidates);
  EXPECT_EQ(fragment->mid, "0");
  EXPECT_EQ(fragment->media_line, "audio 9 UDP/TLS/RTP/SAVPF 111");
}

TEST(Fragment, RestartAndItsAnswer) {
  const auto fragment = parse_fragment(kRestart);
  ASSERT_TRUE(fragment) << fragment.error().what;
  EXPECT_FALSE(fragment->end_of_candidates);
  const auto answer =
      write_answer_fragment(*fragment, "289b31b7", "cgwvXxbSGYZvGyP0Ow3bZq+/",
                            {*Address::parse("203.0.113.1:5004"), *Address::parse("[::1]:5004")});
  EXPECT_EQ(answer, crlf(R"(a=ice-lite
a=group:BUNDLE 0
m=audio 9 UDP/TLS/RTP/SAVPF 111
a=mid:0
a=ice-ufrag:289b31b7
a=ice-pwd:cgwvXxbSGYZvGyP0Ow3bZq+/
a=candidate:1 1 udp 2130706431 203.0.113.1 5004 typ host
a=candidate:2 1 udp 2130706175 ::1 5004 typ host
a=end-of-candidates
)"));
  const auto back = parse_fragment(answer);
  ASSERT_TRUE(back) << back.error().what;
  EXPECT_EQ(back->ufrag, "289b31b7");
  EXPECT_EQ(back->candidates.size(), 2u);
}

TEST(Fragment, CredentialsMayStandAboveTheFirstSection) {
  const auto fragment = parse_fragment("a=ice-ufrag:abcd\na=ice-pwd:0123456789012345678901\n");
  ASSERT_TRUE(fragment);
  EXPECT_EQ(fragment->ufrag, "abcd");
  EXPECT_EQ(fragment->mid, "");
}

TEST(Fragment, Hostile) {
  struct Case {
    std::string text;
    const char* error;
  };
  std::string many(1001 * 3, ' ');
  for (std::size_t i = 0; i < many.size(); i += 3) many.replace(i, 3, "a=\n");
  const Case kCases[] = {
      {"v=0\n", "line 1: expected an a= or m= line"},
      {"m=audio\n", "line 1: m=: expected \"<media> <port> <protocol> <format> ...\""},
      {"a=ice-ufrag:abcd\n", "a=ice-ufrag and a=ice-pwd come together"},
      {"a=ice-ufrag:a\n", "line 1: a=ice-ufrag: expected 4 to 256 of [A-Za-z0-9+/], once"},
      {std::string("a=x\0y\n", 6), "line 1: holds a control character"},
      {"a=" + std::string(5000, 'x'), "line 1: longer than 4 KiB"},
      {std::string(70'000, 'x'), "line 0: longer than 64 KiB"},
      {many, "line 1001: more than 1000 lines"},
  };
  for (const auto& c : kCases) {
    const auto result = parse_fragment(c.text);
    ASSERT_FALSE(result) << c.error;
    EXPECT_EQ(result.error().what, c.error);
    EXPECT_EQ(result.error().code, kMalformed);
  }
}

}  // namespace
}  // namespace parley::sdp
