#include "transport/rtp/rtp_packet.hpp"

#include <gtest/gtest.h>

#include <random>

#include "tests/unit/transport/base/hex.hpp"

namespace parley::rtp {
namespace {

using test::from_hex;
using test::to_hex;

// V=2, payload type 111, sequence 0x1234, timestamp 0x01020304, ssrc 0xa0b0c0d0.
const std::string kRest = "6f 1234 01020304 a0b0c0d0 ";

TEST(ParseRtp, ReadsEveryField) {
  const auto bytes =
      from_hex("b2 ef fffe 89abcdef 00000001  11111111 22222222  bede0001 10ff0000  aabbcc 00000004");
  const auto packet = parse_rtp(bytes);
  ASSERT_TRUE(packet);
  EXPECT_TRUE(packet->header.marker);
  EXPECT_EQ(packet->header.payload_type, 111);
  EXPECT_EQ(packet->header.sequence, 0xfffe);
  EXPECT_EQ(packet->header.timestamp, 0x89abcdefU);
  EXPECT_EQ(packet->header.ssrc, 1U);
  ASSERT_EQ(packet->header.csrc_count, 2);
  EXPECT_EQ(packet->header.csrc[0], 0x11111111U);
  EXPECT_EQ(packet->header.csrc[1], 0x22222222U);
  EXPECT_EQ(packet->extension_profile, 0xbede);
  EXPECT_EQ(to_hex(packet->extension), "10ff0000");
  EXPECT_EQ(to_hex(packet->payload), "aabbcc");
}

TEST(ParseRtp, AcceptsAndRefuses) {
  struct Case {
    const char* what;
    std::string hex;
    const char* payload;  // nullptr: refused
  };
  const Case cases[] = {
      {"plain", "80" + kRest + "aabb", "aabb"},
      {"no payload at all", "80" + kRest, ""},
      {"padding", "a0" + kRest + "aabb 000003", "aabb"},
      {"padding of one", "a0" + kRest + "aabb 01", "aabb"},
      {"padding alone, as bandwidth probes have", "a0" + kRest + "000003", ""},
      {"empty extension", "90" + kRest + "bede0000 aa", "aa"},
      {"extension of an unknown profile", "90" + kRest + "12340001 00000000 aa", "aa"},
      {"fifteen CSRCs", "8f" + kRest + std::string(120, '0') + "aa", "aa"},
      {"empty datagram", "", nullptr},
      {"one byte", "80", nullptr},
      {"a header short of one byte", "806f1234 01020304 a0b0c0", nullptr},
      {"version 0", "00" + kRest + "aabb", nullptr},
      {"version 1", "40" + kRest + "aabb", nullptr},
      {"version 3", "c0" + kRest + "aabb", nullptr},
      {"padding flag without payload", "a0" + kRest, nullptr},
      {"padding of zero", "a0" + kRest + "aabb00", nullptr},
      {"padding one longer than the payload", "a0" + kRest + "aabb04", nullptr},
      {"padding of 255", "a0" + kRest + "aabbff", nullptr},
      {"padding that reaches into the CSRC list", "a1" + kRest + "00000000 05", nullptr},
      {"padding that reaches into the extension", "b0" + kRest + "bede0001 00000000 05", nullptr},
      {"CSRC list cut off", "82" + kRest + "00000000 0000", nullptr},
      {"fifteen CSRCs announced, none there", "8f" + kRest, nullptr},
      {"extension header cut off", "90" + kRest + "bede00", nullptr},
      {"extension flag at the very end", "90" + kRest, nullptr},
      {"extension one word longer than the datagram", "90" + kRest + "bede0002 00000000", nullptr},
      {"extension of 65535 words", "90" + kRest + "bedeffff 00000000", nullptr},
  };
  for (const Case& c : cases) {
    const auto bytes = from_hex(c.hex);
    const auto packet = parse_rtp(bytes);
    ASSERT_EQ(packet.has_value(), c.payload != nullptr) << c.what;
    if (!packet) continue;
    EXPECT_EQ(to_hex(packet->payload), c.payload) << c.what;
  }
}

TEST(ParseRtp, ViewsStayInsideTheDatagramForAnyBytes) {
  std::mt19937 random(1);
  for (int round = 0; round < 20'000; ++round) {
    ByteBuffer bytes(random() % 80);
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
    if (!bytes.empty()) bytes[0] = static_cast<std::uint8_t>(0x80 | (bytes[0] & 0x3f));
    const auto packet = parse_rtp(bytes);
    if (!packet) continue;
    const auto inside = [&](Bytes view) {
      return view.empty() ||
             (view.data() >= bytes.data() && view.data() + view.size() <= bytes.data() + bytes.size());
    };
    ASSERT_TRUE(inside(packet->payload));
    ASSERT_TRUE(inside(packet->extension));
  }
}

TEST(WriteRtp, ComesBackFromTheParser) {
  RtpHeader header;
  header.marker = true;
  header.payload_type = 127;
  header.sequence = 65535;
  header.timestamp = 0xffffffff;
  header.ssrc = 0x12345678;
  header.csrc_count = kMaxCsrcs;
  for (std::uint32_t i = 0; i < kMaxCsrcs; ++i) header.csrc[i] = 1000 + i;
  const auto extension = from_hex("bede0001 10aa0000");
  const auto payload = from_hex("0102030405");
  std::array<std::uint8_t, 200> out{};
  const std::size_t size = write_rtp(out, header, extension, payload);
  ASSERT_EQ(size, kFixedHeaderSize + 60 + 8 + 5);

  const auto packet = parse_rtp(Bytes(out).first(size));
  ASSERT_TRUE(packet);
  EXPECT_TRUE(packet->header.marker);
  EXPECT_EQ(packet->header.payload_type, 127);
  EXPECT_EQ(packet->header.sequence, 65535);
  EXPECT_EQ(packet->header.timestamp, 0xffffffffU);
  EXPECT_EQ(packet->header.ssrc, 0x12345678U);
  EXPECT_EQ(packet->header.csrc_count, kMaxCsrcs);
  EXPECT_EQ(packet->header.csrc, header.csrc);
  EXPECT_EQ(to_hex(packet->extension), "10aa0000");
  EXPECT_EQ(to_hex(packet->payload), "0102030405");
}

TEST(WriteRtp, WritesTheBytesOfTheRfc) {
  RtpHeader header;
  header.payload_type = 111;
  header.sequence = 0x1234;
  header.timestamp = 0x01020304;
  header.ssrc = 0xa0b0c0d0;
  std::array<std::uint8_t, 20> out{};
  const std::size_t size = write_rtp(out, header, {}, from_hex("aa"));
  EXPECT_EQ(to_hex(Bytes(out).first(size)), to_hex(from_hex("80" + kRest + "aa")));
}

TEST(WriteRtp, RefusesWhatDoesNotFit) {
  RtpHeader header;
  const ByteBuffer payload(10);
  std::array<std::uint8_t, 22> out{};
  EXPECT_EQ(write_rtp(out, header, {}, payload), 22U);
  EXPECT_EQ(write_rtp(std::span(out).first(21), header, {}, payload), 0U);
  EXPECT_EQ(write_rtp(std::span(out).first(0), header, {}, payload), 0U);
  header.csrc_count = 1;
  EXPECT_EQ(write_rtp(out, header, {}, payload), 0U);
}

}  // namespace
}  // namespace parley::rtp
