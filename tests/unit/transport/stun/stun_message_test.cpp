#include "transport/stun/stun_message.hpp"

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <vector>

#include "tests/unit/transport/base/hex.hpp"
#include "tests/unit/transport/stun/rfc5769.hpp"
#include "transport/stun/crc32.hpp"

namespace parley::stun {
namespace {

using test::from_hex;
using test::to_hex;

const TransactionId kId{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
const std::string kHead = "2112a442 0102030405060708090a0b0c ";

ByteBuffer copy_of(const StunBuilder& builder) {
  const Bytes bytes = builder.bytes();
  return {bytes.begin(), bytes.end()};
}

std::string repeat(const std::string& text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

TEST(Crc32, KnownValues) {
  EXPECT_EQ(crc32({}), 0U);
  EXPECT_EQ(crc32(as_bytes("123456789")), 0xCBF43926U);
  EXPECT_EQ(crc32(as_bytes("a")), 0xE8B7BE43U);
}

TEST(NatDiscovery, AttributesGoThereAndBack) {
  for (const char* text : {"192.0.2.1:3479", "[2001:db8::5]:65535"}) {
    StunBuilder answer(Class::success, kId);
    answer.other_address(*Address::parse(text)).fingerprint();
    const auto bytes = copy_of(answer);
    const auto message = StunMessage::parse(bytes);
    ASSERT_TRUE(message.has_value());
    EXPECT_EQ(message->other_address()->to_string(), text);
    EXPECT_FALSE(message->change_request().has_value());
  }
  for (const bool ip : {false, true}) {
    for (const bool port : {false, true}) {
      StunBuilder request(Class::request, kId);
      request.change_request({ip, port});
      const auto bytes = copy_of(request);
      const auto message = StunMessage::parse(bytes);
      ASSERT_TRUE(message.has_value());
      EXPECT_TRUE(message->unknown_required().empty());
      EXPECT_EQ(message->change_request()->ip, ip);
      EXPECT_EQ(message->change_request()->port, port);
    }
  }
  // Of the wrong size, or of no known family.
  for (const char* attribute :
       {"802c0004 00010102", "802c0008 00030102 01020304", "802c000c 00010102 0102030405060708",
        "0003 0002 0002 0000", "0003 0008 00000002 00000002"}) {
    const auto size = from_hex(attribute).size();
    const auto bytes =
        from_hex("0001 00" + to_hex(ByteBuffer{static_cast<std::uint8_t>(size)}) + kHead + attribute);
    const auto message = StunMessage::parse(bytes);
    ASSERT_TRUE(message.has_value()) << attribute;
    EXPECT_FALSE(message->other_address().has_value()) << attribute;
    EXPECT_FALSE(message->change_request().has_value()) << attribute;
  }
}

TEST(ParseStun, AcceptsAndRefuses) {
  struct Case {
    const char* what;
    std::string hex;
    bool accepted;
  };
  const Case cases[] = {
      {"a bare Binding request", "0001 0000" + kHead, true},
      {"an attribute that is not known", "0001 0008" + kHead + "80ff0001 aa000000", true},
      {"an empty attribute at the end", "0001 0004" + kHead + "00250000", true},
      {"64 attributes", "0001 0100" + kHead + repeat("80ff0000", 64), true},
      {"empty", "", false},
      {"19 bytes", "0001 0000 2112a442 0102030405060708090a0b", false},
      {"the first bit set", "8001 0000" + kHead, false},
      {"the second bit set", "4001 0000" + kHead, false},
      {"another cookie (RFC 3489)", "0001 0000 2112a443 0102030405060708090a0b0c", false},
      {"length says less than there is", "0001 0000" + kHead + "80ff0000", false},
      {"length says more than there is", "0001 0008" + kHead + "80ff0000", false},
      {"length no multiple of four", "0001 0002" + kHead + "80ff", false},
      {"length wraps 16 bits", "0001 fffc" + kHead, false},
      {"attribute header cut", "0001 0004" + kHead + "80ff 0004", false},
      {"attribute longer than the message", "0001 0008" + kHead + "80ff0005 00000000", false},
      {"attribute of 65535 bytes", "0001 0008" + kHead + "80ffffff 00000000", false},
      {"padding of an attribute missing", "0001 0004" + kHead + "80ff0001", false},
      {"65 attributes", "0001 0104" + kHead + repeat("80ff0000", 65), false},
      {"wrong fingerprint", "0001 0008" + kHead + "80280004 00000000", false},
      {"fingerprint of wrong size", "0001 0004" + kHead + "80280000", false},
      {"integrity of wrong size", "0001 0008" + kHead + "00080004 00000000", false},
      {"more than the buffers hold", "0001 07f0" + kHead + repeat("80ff07ec", 1) + repeat("00", 0x7ec),
       false},
  };
  for (const Case& c : cases)
    EXPECT_EQ(StunMessage::parse(from_hex(c.hex)).has_value(), c.accepted) << c.what;
}

TEST(ParseStun, NothingMayFollowTheFingerprint) {
  StunBuilder builder(Class::request, kId);
  builder.fingerprint();
  auto bytes = copy_of(builder);
  ASSERT_TRUE(StunMessage::parse(bytes));
  const auto more = from_hex("80220000");
  bytes.insert(bytes.end(), more.begin(), more.end());
  bytes[3] = static_cast<std::uint8_t>(bytes[3] + 4);
  EXPECT_FALSE(StunMessage::parse(bytes));
}

TEST(ParseStun, ClassesAndMethods) {
  struct Case {
    const char* type;
    std::uint16_t method;
    Class message_class;
  };
  const Case cases[] = {
      {"0001", 0x001, Class::request}, {"0011", 0x001, Class::indication}, {"0101", 0x001, Class::success},
      {"0111", 0x001, Class::error},   {"0003", 0x003, Class::request},    {"3eef", 0xfff, Class::request},
      {"3fff", 0xfff, Class::error},   {"0113", 0x003, Class::error},      {"0200", 0x080, Class::request},
      {"0020", 0x010, Class::request},
  };
  for (const Case& c : cases) {
    const auto message = StunMessage::parse(from_hex(c.type + std::string("0000") + kHead));
    ASSERT_TRUE(message) << c.type;
    EXPECT_EQ(message->method(), c.method) << c.type;
    EXPECT_EQ(message->message_class(), c.message_class) << c.type;
    EXPECT_EQ(to_hex(StunBuilder(c.message_class, kId, c.method).bytes().first(2)), c.type);
  }
}

TEST(ParseStun, MalformedValuesAreAbsent) {
  const auto parse = [](const std::string& attribute) {
    // The message must outlive its views, so the bytes are kept here.
    static std::vector<ByteBuffer> kept;
    const auto body = from_hex(attribute);
    auto bytes = from_hex("0101 0000" + kHead);
    bytes[3] = static_cast<std::uint8_t>(body.size());
    bytes.insert(bytes.end(), body.begin(), body.end());
    kept.push_back(bytes);
    return StunMessage::parse(kept.back()).value();
  };
  EXPECT_FALSE(parse("00240002 00010000").priority());
  EXPECT_FALSE(parse("00240008 0001000000010000").priority());
  EXPECT_FALSE(parse("80290004 00000000").ice_controlled());
  EXPECT_FALSE(parse("802a0000").ice_controlling());
  EXPECT_FALSE(parse("00250004 00000000").use_candidate());
  EXPECT_TRUE(parse("00250000").use_candidate());
  EXPECT_FALSE(parse("00200000").xor_mapped_address());
  EXPECT_FALSE(parse("00200004 00010000").xor_mapped_address());
  EXPECT_FALSE(parse("00200008 00030000 00000000").xor_mapped_address());
  EXPECT_FALSE(parse("00200008 00020000 00000000").xor_mapped_address());
  EXPECT_FALSE(parse("00200014 00010000" + repeat("00", 16)).xor_mapped_address());
  EXPECT_FALSE(parse("0020000c 00010000 0000000000000000").xor_mapped_address());
  EXPECT_FALSE(parse("00090003 00000400").error_code());
  EXPECT_FALSE(parse("00090004 00000200").error_code());
  EXPECT_FALSE(parse("00090004 00000700").error_code());
  EXPECT_FALSE(parse("00090004 00000464").error_code()) << "499 is the last of its hundred";
  EXPECT_EQ(parse("00090004 00000463").error_code()->code, 499);
  EXPECT_EQ(parse("00090004 fffffc01").error_code()->code, 401) << "reserved bits are ignored";
  EXPECT_FALSE(parse("00060000").priority());
  EXPECT_EQ(parse("00060000").username(), "");
  EXPECT_FALSE(parse("80220000").username());
}

TEST(ParseStun, AUsernameOfAbsurdLengthIsNone) {
  for (const auto& [size, accepted] : {std::pair<std::size_t, bool>{513, true}, {514, false}}) {
    ByteBuffer bytes = from_hex("0001 0000" + kHead);
    const std::size_t padded = (size + 3) / 4 * 4;
    bytes.resize(20 + 4 + padded);
    ByteWriter writer{std::span<std::uint8_t>(bytes).subspan(20)};
    writer.u16(0x0006);
    writer.u16(static_cast<std::uint16_t>(size));
    bytes[2] = static_cast<std::uint8_t>((4 + padded) >> 8);
    bytes[3] = static_cast<std::uint8_t>(4 + padded);
    const auto message = StunMessage::parse(bytes);
    ASSERT_TRUE(message);
    EXPECT_EQ(message->username().has_value(), accepted) << size;
  }
}

TEST(ParseStun, TheFirstOfTwoCounts) {
  const auto bytes = from_hex("0001 0010" + kHead + "00240004 00000001 00240004 00000002");
  EXPECT_EQ(StunMessage::parse(bytes)->priority(), 1U);
}

TEST(ParseStun, WhatFollowsIntegrityIsNotBelieved) {
  StunBuilder builder(Class::request, kId);
  builder.username("a:b").integrity("secret");
  auto bytes = copy_of(builder);
  // An attacker appends USE-CANDIDATE, an unknown attribute and a second MESSAGE-INTEGRITY.
  const auto more = from_hex("00250000 00010004 00000000 7fff0000 00080014" + repeat("00", 20));
  bytes.insert(bytes.end(), more.begin(), more.end());
  bytes[3] = static_cast<std::uint8_t>(bytes.size() - 20);
  const auto message = StunMessage::parse(bytes);
  ASSERT_TRUE(message);
  EXPECT_TRUE(message->verify_integrity("secret"));
  EXPECT_EQ(message->username(), "a:b");
  EXPECT_FALSE(message->use_candidate());
  EXPECT_TRUE(message->unknown_required().empty());
  EXPECT_FALSE(message->find(Attribute::mapped_address));
}

TEST(ParseStun, ListsUnknownRequiredTypes) {
  const auto bytes = from_hex("0001 0018" + kHead + "00040004 00000000 c0570000 7fff0000 00240004 00000001");
  const auto message = StunMessage::parse(bytes);
  ASSERT_TRUE(message);
  const std::vector<std::uint16_t> unknown(message->unknown_required().begin(),
                                           message->unknown_required().end());
  EXPECT_EQ(unknown, (std::vector<std::uint16_t>{0x0004, 0x7fff}));
}

TEST(ParseStun, SurvivesAnyBytes) {
  std::mt19937 random(5);
  const auto good = from_hex(rfc5769::kRequest);
  for (int round = 0; round < 50'000; ++round) {
    ByteBuffer bytes = good;
    for (int change = 0; change < 3; ++change)
      bytes[20 + random() % 80] = static_cast<std::uint8_t>(random());
    if (round % 2 == 0) bytes.resize(20 + random() % 22 * 4);
    bytes[3] = static_cast<std::uint8_t>(bytes.size() - 20);
    const auto message = StunMessage::parse(bytes);
    if (!message) continue;
    message->username();
    message->xor_mapped_address();
    message->error_code();
    EXPECT_FALSE(message->verify_integrity("nobody's password"));
  }
}

TEST(StunBuilder, RoundTripOfACheck) {
  StunBuilder builder(Class::request, kId);
  builder.username("remote:local").priority(0x6e7f1eff).use_candidate().ice_controlling(0x0123456789abcdef);
  builder.integrity("the password").fingerprint();
  const auto bytes = copy_of(builder);
  const auto message = StunMessage::parse(bytes);
  ASSERT_TRUE(message);
  EXPECT_TRUE(message->is_binding(Class::request));
  EXPECT_EQ(message->transaction_id(), kId);
  EXPECT_EQ(message->username(), "remote:local");
  EXPECT_EQ(message->priority(), 0x6e7f1effU);
  EXPECT_TRUE(message->use_candidate());
  EXPECT_EQ(message->ice_controlling(), 0x0123456789abcdefU);
  EXPECT_TRUE(message->has_fingerprint());
  EXPECT_TRUE(message->verify_integrity("the password"));
  EXPECT_FALSE(message->verify_integrity("the passwore"));
}

TEST(StunBuilder, RoundTripOfAddresses) {
  for (const char* text :
       {"1.2.3.4:5", "255.255.255.255:65535", "0.0.0.0:0", "[::1]:1", "[2001:db8::ff]:65535"}) {
    StunBuilder builder(Class::success, kId);
    builder.xor_mapped_address(*Address::parse(text)).fingerprint();
    const auto bytes = copy_of(builder);
    const auto message = StunMessage::parse(bytes);
    ASSERT_TRUE(message) << text;
    EXPECT_EQ(message->xor_mapped_address(), Address::parse(text)) << text;
    EXPECT_FALSE(message->has_integrity());
    EXPECT_FALSE(message->verify_integrity(""));
  }
}

TEST(StunBuilder, RoundTripOfErrors) {
  StunBuilder builder(Class::error, kId);
  const std::uint16_t unknown[] = {0x0003, 0x7ffe, 0x0099};
  builder.error_code(420, "Unknown Attribute").unknown_attributes(unknown).ice_controlled(7);
  const auto bytes = copy_of(builder);
  const auto message = StunMessage::parse(bytes);
  ASSERT_TRUE(message);
  EXPECT_TRUE(message->is_binding(Class::error));
  EXPECT_EQ(message->error_code()->code, 420);
  EXPECT_EQ(message->error_code()->reason, "Unknown Attribute");
  EXPECT_EQ(to_hex(*message->find(Attribute::unknown_attributes)), "00037ffe0099");
  EXPECT_EQ(message->ice_controlled(), 7U);
}

TEST(StunBuilder, TheShortestAnswerToABareRequest) {
  StunBuilder builder(Class::success, kId);
  builder.xor_mapped_address(*Address::parse("1.2.3.4:5"));
  EXPECT_EQ(builder.bytes().size(), 32U);
}

TEST(StunBuilder, ALongReasonIsCut) {
  StunBuilder builder(Class::error, kId);
  builder.error_code(401, std::string(5000, 'x'));
  const auto bytes = copy_of(builder);
  EXPECT_EQ(StunMessage::parse(bytes)->error_code()->reason.size(), 127U);
}

TEST(StunBuilder, WhatDoesNotFitGivesNothing) {
  StunBuilder builder(Class::request, kId);
  builder.software(std::string(5000, 'x'));
  EXPECT_TRUE(builder.bytes().empty());
  StunBuilder two(Class::request, kId);
  two.software(std::string(600, 'x')).software(std::string(600, 'x')).integrity("k").fingerprint();
  EXPECT_TRUE(two.bytes().empty());
}

TEST(TransactionIds, AreRandom) {
  std::set<TransactionId> ids;
  for (int i = 0; i < 1000; ++i) ids.insert(random_transaction_id());
  EXPECT_EQ(ids.size(), 1000U);
}

}  // namespace
}  // namespace parley::stun
