#include "tests/unit/transport/stun/rfc5769.hpp"

#include <gtest/gtest.h>
#include <openssl/evp.h>

#include "tests/unit/transport/base/hex.hpp"
#include "transport/stun/stun_message.hpp"

namespace parley::stun {
namespace {

using test::from_hex;
using test::to_hex;

// Each message also with one bit changed, anywhere: the fingerprint or the integrity must tell.
void expect_every_bit_to_matter(const ByteBuffer& good, std::string_view key) {
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    ByteBuffer bad = good;
    bad[bit / 8] = static_cast<std::uint8_t>(bad[bit / 8] ^ (1U << (bit % 8)));
    const auto message = StunMessage::parse(bad);
    EXPECT_FALSE(message && message->has_fingerprint() && message->verify_integrity(key)) << "bit " << bit;
  }
}

TEST(Rfc5769, Request) {
  const auto bytes = from_hex(rfc5769::kRequest);
  const auto message = StunMessage::parse(bytes);
  ASSERT_TRUE(message);
  EXPECT_TRUE(message->is_binding(Class::request));
  EXPECT_EQ(to_hex(message->transaction_id()), "b7e7a701bc34d686fa87dfae");
  EXPECT_EQ(as_text(*message->find(Attribute::software)), "STUN test client");
  EXPECT_EQ(message->priority(), 0x6e0001ffU);
  EXPECT_EQ(message->ice_controlled(), 0x932ff9b151263b36U);
  EXPECT_EQ(message->username(), rfc5769::kUsername);
  EXPECT_FALSE(message->use_candidate());
  EXPECT_FALSE(message->ice_controlling());
  EXPECT_TRUE(message->unknown_required().empty());
  EXPECT_TRUE(message->has_fingerprint());
  EXPECT_TRUE(message->verify_integrity(rfc5769::kPassword));
  EXPECT_FALSE(message->verify_integrity("VOkJxbRl1RmTxUk/WvJxBu"));
  EXPECT_FALSE(message->verify_integrity(""));
  expect_every_bit_to_matter(bytes, rfc5769::kPassword);
}

TEST(Rfc5769, Ipv4Response) {
  const auto bytes = from_hex(rfc5769::kIpv4Response);
  const auto message = StunMessage::parse(bytes);
  ASSERT_TRUE(message);
  EXPECT_TRUE(message->is_binding(Class::success));
  EXPECT_EQ(as_text(*message->find(Attribute::software)), "test vector");
  EXPECT_EQ(message->xor_mapped_address(), Address::parse("192.0.2.1:32853"));
  EXPECT_TRUE(message->has_fingerprint());
  EXPECT_TRUE(message->verify_integrity(rfc5769::kPassword));
  expect_every_bit_to_matter(bytes, rfc5769::kPassword);
}

TEST(Rfc5769, Ipv6Response) {
  const auto bytes = from_hex(rfc5769::kIpv6Response);
  const auto message = StunMessage::parse(bytes);
  ASSERT_TRUE(message);
  EXPECT_TRUE(message->is_binding(Class::success));
  EXPECT_EQ(message->xor_mapped_address(), Address::parse("[2001:db8:1234:5678:11:2233:4455:6677]:32853"));
  EXPECT_TRUE(message->has_fingerprint());
  EXPECT_TRUE(message->verify_integrity(rfc5769::kPassword));
  expect_every_bit_to_matter(bytes, rfc5769::kPassword);
}

TEST(Rfc5769, LongTermRequest) {
  const auto bytes = from_hex(rfc5769::kLongTermRequest);
  const auto message = StunMessage::parse(bytes);
  ASSERT_TRUE(message);
  EXPECT_TRUE(message->is_binding(Class::request));
  EXPECT_EQ(message->username(), rfc5769::kLongTermUsername);
  EXPECT_EQ(as_text(*message->find(Attribute::realm)), rfc5769::kLongTermRealm);
  EXPECT_EQ(as_text(*message->find(Attribute::nonce)), rfc5769::kLongTermNonce);
  EXPECT_FALSE(message->has_fingerprint());

  const std::string credentials = std::string(rfc5769::kLongTermUsername) + ":" +
                                  std::string(rfc5769::kLongTermRealm) + ":" +
                                  std::string(rfc5769::kLongTermPassword);
  std::array<unsigned char, 16> key{};  // RFC 8489 section 9.2.2
  ASSERT_EQ(EVP_Digest(credentials.data(), credentials.size(), key.data(), nullptr, EVP_md5(), nullptr), 1);
  EXPECT_TRUE(message->verify_integrity(as_text(key)));
  EXPECT_FALSE(message->verify_integrity(rfc5769::kLongTermPassword));
}

// The same messages come out of the builder, but for the padding, which the samples fill with blanks.
TEST(Rfc5769, TheBuilderMakesTheSameResponse) {
  TransactionId id{};
  const auto id_bytes = from_hex("b7e7a701bc34d686fa87dfae");
  std::copy(id_bytes.begin(), id_bytes.end(), id.begin());
  StunBuilder builder(Class::success, id);
  builder.software("test vector ").xor_mapped_address(*Address::parse("192.0.2.1:32853"));
  builder.integrity(rfc5769::kPassword).fingerprint();
  auto expected = from_hex(rfc5769::kIpv4Response);
  ASSERT_EQ(builder.bytes().size(), expected.size());
  EXPECT_EQ(to_hex(builder.bytes().subspan(24, 24)), to_hex(Bytes(expected).subspan(24, 24)));

  StunBuilder v6(Class::success, id);
  v6.software("test vector")
      .xor_mapped_address(*Address::parse("[2001:db8:1234:5678:11:2233:4455:6677]:32853"));
  expected = from_hex(rfc5769::kIpv6Response);
  EXPECT_EQ(to_hex(v6.bytes().subspan(36)), to_hex(Bytes(expected).subspan(36, 24)));
}

}  // namespace
}  // namespace parley::stun
