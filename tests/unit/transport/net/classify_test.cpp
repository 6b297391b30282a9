#include <gtest/gtest.h>

#include "tests/unit/transport/base/hex.hpp"
#include "transport/net/udp_socket.hpp"

namespace parley::net {
namespace {

TEST(Classify, FirstByteOfRfc7983) {
  for (int first = 0; first < 256; ++first) {
    const std::uint8_t datagram[] = {static_cast<std::uint8_t>(first), 0};
    auto expected = PacketKind::unknown;
    if (first <= 3) expected = PacketKind::stun;
    if (first >= 20 && first <= 63) expected = PacketKind::dtls;
    if (first >= 128 && first <= 191) expected = PacketKind::rtp_or_rtcp;
    EXPECT_EQ(classify(datagram), expected) << first;
  }
  EXPECT_EQ(classify({}), PacketKind::unknown);
}

TEST(Classify, RtcpAmongRtp) {
  struct Case {
    const char* what;
    const char* hex;
    bool rtcp;
  };
  const Case cases[] = {
      {"SR", "80c8", true},
      {"RR", "81c9", true},
      {"the first type, 192", "80c0", true},
      {"the last type, 223", "80df", true},
      {"191", "80bf", false},
      {"224", "80e0", false},
      {"RTP, payload type 111", "806f", false},
      {"RTP, payload type 111 with marker", "80ef", false},
      {"RTP, PCMU with marker", "8080", false},
      {"STUN whose second byte looks like it", "00c8", false},
      {"DTLS whose second byte looks like it", "16c8", false},
      {"one byte", "80", false},
      {"nothing", "", false},
  };
  for (const Case& c : cases) EXPECT_EQ(is_rtcp(test::from_hex(c.hex)), c.rtcp) << c.what;
}

}  // namespace
}  // namespace parley::net
