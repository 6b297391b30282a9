#include <gtest/gtest.h>

#include <random>
#include <string>

#include "tests/unit/transport/base/hex.hpp"
#include "transport/rtcp/bye.hpp"
#include "transport/rtcp/compound.hpp"
#include "transport/rtcp/receiver_report.hpp"
#include "transport/rtcp/sdes.hpp"
#include "transport/rtcp/sender_report.hpp"

namespace parley::rtcp {
namespace {

using test::from_hex;
using test::to_hex;

std::string repeat(const std::string& text, std::size_t times) {
  std::string all;
  for (std::size_t i = 0; i < times; ++i) all += text;
  return all;
}

// "200:1:8 203:0:0": type, count and body size of each packet; "refused" for a malformed compound.
std::string outline(Bytes datagram) {
  auto compound = Compound::parse(datagram);
  if (!compound) return "refused";
  std::string text;
  while (const auto packet = compound->next()) {
    if (!text.empty()) text += " ";
    text += std::to_string(packet->type) + ":" + std::to_string(packet->count) + ":" +
            std::to_string(packet->body.size());
  }
  return text;
}

TEST(Compound, Table) {
  struct Case {
    const char* what;
    std::string hex;
    const char* outline;
  };
  const Case cases[] = {
      {"empty RR", "80c90001 00000001", "201:0:4"},
      {"RR and SDES", "80c90001 00000001 81ca0003 00000001 01026162 00000000", "201:0:4 202:1:12"},
      {"types we do not know are handed out", "80c90001 00000001 80d10000 8fce0001 00000000",
       "201:0:4 209:0:0 206:15:4"},
      {"a lone BYE (RFC 5506)", "81cb0001 00000001", "203:1:4"},
      {"a header alone", "80c90000", "201:0:0"},
      {"padding in the last packet", "80c90001 00000001 a0cb0001 00000004", "201:0:4 203:0:0"},
      {"nothing", "", "refused"},
      {"one byte", "80", "refused"},
      {"three bytes", "80c900", "refused"},
      {"version 1", "40c90001 00000001", "refused"},
      {"version 3", "c0c90001 00000001", "refused"},
      {"one word too long", "80c90002 00000001", "refused"},
      {"65535 words", "80c9ffff 00000001", "refused"},
      {"bytes left over", "80c90001 00000001 00", "refused"},
      {"second packet cut off", "80c90001 00000001 81ca0003 00000001", "refused"},
      {"second packet of another version", "80c90001 00000001 01ca0000", "refused"},
      {"padding in a packet that is not the last", "a0c90002 00000001 00000004 80cb0000", "refused"},
      {"padding of zero", "a0c90001 00000000", "refused"},
      {"padding of no whole words", "a0c90001 00000003", "refused"},
      {"padding longer than the body", "a0c90001 00000008", "refused"},
      {"padding flag without a body", "a0c90000", "refused"},
      {"a type of RTP", "80600001 00000001", "refused"},
      {"type 191", "80bf0000", "refused"},
      {"type 224", "80e00000", "refused"},
  };
  for (const Case& c : cases) EXPECT_EQ(outline(from_hex(c.hex)), c.outline) << c.what;
}

TEST(Compound, ManySmallPackets) {
  EXPECT_NE(outline(from_hex(repeat("80d10000", 500))), "refused");
}

RtcpPacket first_packet(Bytes datagram) {
  return Compound::parse(datagram)->next().value();
}

const ReportBlock kBlock{0x11111111, 51, -2, 0x00021234, 77, 0x56789abc, 65536};
const std::string kBlockHex = "11111111 33fffffe 00021234 0000004d 56789abc 00010000";

TEST(SenderReport, WritesAndReadsTheBytesOfTheRfc) {
  std::array<std::uint8_t, 100> out{};
  ByteWriter writer(out);
  write_sender_report(writer, {0xcafebabe, 0x0123456789abcdef, 160, 2, 320}, std::span(&kBlock, 1));
  EXPECT_EQ(to_hex(writer.written()), to_hex(from_hex("81c8000c cafebabe 0123456789abcdef 000000a0 00000002 "
                                                      "00000140 " +
                                                      kBlockHex)));
  const auto report = parse_sender_report(first_packet(writer.written()));
  ASSERT_TRUE(report);
  EXPECT_EQ(report->sender.ssrc, 0xcafebabeU);
  EXPECT_EQ(report->sender.ntp, 0x0123456789abcdefU);
  EXPECT_EQ(report->sender.rtp_timestamp, 160U);
  EXPECT_EQ(report->sender.packet_count, 2U);
  EXPECT_EQ(report->sender.octet_count, 320U);
  ASSERT_EQ(report->blocks.size(), 1U);
  EXPECT_EQ(report->blocks[0], kBlock);
  EXPECT_EQ(middle_of_ntp(0x0123456789abcdef), 0x456789abU);
}

TEST(ReceiverReport, WritesAndReadsTheBytesOfTheRfc) {
  std::array<std::uint8_t, 100> out{};
  ByteWriter writer(out);
  write_receiver_report(writer, 0xcafebabe, std::span(&kBlock, 1));
  EXPECT_EQ(to_hex(writer.written()), to_hex(from_hex("81c90007 cafebabe " + kBlockHex)));
  const auto report = parse_receiver_report(first_packet(writer.written()));
  ASSERT_TRUE(report);
  EXPECT_EQ(report->ssrc, 0xcafebabeU);
  ASSERT_EQ(report->blocks.size(), 1U);
  EXPECT_EQ(report->blocks[0], kBlock);
}

TEST(ReportBlocks, CumulativeLossIsSigned24Bits) {
  struct Case {
    std::int32_t lost;
    const char* hex;
  };
  const Case cases[] = {{0, "000000"},        {1, "000001"},         {-1, "ffffff"},
                        {0x7fffff, "7fffff"}, {-0x800000, "800000"}, {-5, "fffffb"}};
  for (const Case& c : cases) {
    std::array<std::uint8_t, ReportBlock::kSize> out{};
    ByteWriter writer(out);
    ReportBlock block;
    block.cumulative_lost = c.lost;
    write_report_block(writer, block);
    EXPECT_EQ(to_hex(Bytes(out).subspan(5, 3)), c.hex);
    EXPECT_EQ(ReportBlocks(out)[0].cumulative_lost, c.lost);
  }
}

TEST(Reports, CountsThatDoNotFitAreRefused) {
  struct Case {
    const char* what;
    std::string hex;
    bool accepted;
  };
  const Case cases[] = {
      {"SR without blocks", "80c80006" + repeat("00", 24), true},
      {"SR with a profile's extension", "80c80008" + repeat("00", 32), true},
      {"SR one word short", "80c80005" + repeat("00", 20), false},
      {"SR without anything", "80c80000", false},
      {"SR with a block that is not there", "81c80006" + repeat("00", 24), false},
      {"SR with 31 of which one is there", "9fc8000c" + repeat("00", 48), false},
      {"RR without blocks", "80c90001 00000000", true},
      {"RR without anything", "80c90000", false},
      {"RR with a block cut off", "81c90006" + repeat("00", 24), false},
      {"RR with 31 blocks", "9fc900bb" + repeat("00", 748), true},
      {"BYE without sources", "80cb0000", true},
      {"BYE with one", "81cb0001 00000001", true},
      {"BYE with a source that is not there", "82cb0001 00000001", false},
      {"BYE with a reason", "81cb0002 00000001 03627965", true},
      {"BYE with a reason that is too long", "81cb0002 00000001 04627965", false},
  };
  for (const Case& c : cases) {
    const auto bytes = from_hex(c.hex);
    const auto packet = first_packet(bytes);
    const bool accepted = parse_sender_report(packet) || parse_receiver_report(packet) || parse_bye(packet);
    EXPECT_EQ(accepted, c.accepted) << c.what;
  }
}

TEST(Sdes, FindsTheName) {
  struct Case {
    const char* what;
    std::string hex;
    const char* cname;  // of SSRC 1; nullptr: none
  };
  const Case cases[] = {
      {"one chunk", "81ca0003 00000001 01026162 00000000", "ab"},
      {"terminator within the last word", "81ca0002 00000001 01016100", "a"},
      {"among other items", "81ca0004 00000001 02017801 0261620c 00000000", "ab"},
      {"tool, then name", "81ca0003 00000001 0601 78 01 01 61 00 00", "a"},
      {"empty name", "81ca0002 00000001 01000000", ""},
      {"second chunk", "82ca0004 00000002 01016200 00000001 01016100", "a"},
      {"only another's", "81ca0002 00000002 01016200", nullptr},
      {"no chunk", "80ca0000", nullptr},
      {"the first of two names counts", "81ca0003 00000001 01016101 01620000", "a"},
      {"no terminator", "81ca0002 00000001 01026162", nullptr},
      {"name longer than the packet", "81ca0002 00000001 01ff6162", nullptr},
      {"chunk that is not there", "82ca0002 00000001 01016100", nullptr},
      {"chunk too many", "81ca0004 00000001 01016100 00000002 01016200", nullptr},
      {"SSRC cut off", "81ca0000", nullptr},
  };
  for (const Case& c : cases) {
    const auto bytes = from_hex(c.hex);
    const auto cname = find_cname(first_packet(bytes), 1);
    ASSERT_EQ(cname.has_value(), c.cname != nullptr) << c.what;
    if (!cname) continue;
    EXPECT_EQ(*cname, c.cname) << c.what;
  }
}

TEST(Sdes, EveryLengthComesBack) {
  for (std::size_t length = 0; length <= 260; ++length) {
    const std::string name(length, 'n');
    std::array<std::uint8_t, 300> out{};
    ByteWriter writer(out);
    write_sdes(writer, 9, name);
    ASSERT_TRUE(writer.ok());
    const auto compound = Compound::parse(writer.written());
    ASSERT_TRUE(compound) << length;
    EXPECT_EQ(find_cname(first_packet(writer.written()), 9), name.substr(0, kMaxCname)) << length;
  }
}

TEST(Bye, EveryReasonComesBack) {
  for (std::size_t length = 0; length <= 260; ++length) {
    const std::string reason(length, 'r');
    std::array<std::uint8_t, 300> out{};
    ByteWriter writer(out);
    write_bye(writer, 9, reason);
    ASSERT_TRUE(writer.ok());
    ASSERT_TRUE(Compound::parse(writer.written())) << length;
    const auto bye = parse_bye(first_packet(writer.written()));
    ASSERT_TRUE(bye) << length;
    EXPECT_TRUE(bye->names(9));
    EXPECT_FALSE(bye->names(8));
    EXPECT_EQ(bye->reason, reason.substr(0, 255)) << length;
  }
}

TEST(Bye, NamesAnyOfItsSources) {
  const auto bytes = from_hex("83cb0003 00000001 00000002 00000003");
  const auto bye = parse_bye(first_packet(bytes));
  for (const std::uint32_t ssrc : {1U, 2U, 3U}) EXPECT_TRUE(bye->names(ssrc));
  EXPECT_FALSE(bye->names(4));
  EXPECT_FALSE(bye->names(0));
}

}  // namespace
}  // namespace parley::rtcp
