#include "transport/dtls/fingerprint.hpp"

#include <gtest/gtest.h>

#include "transport/dtls/identity.hpp"

namespace parley::dtls {
namespace {

std::string digits(std::size_t bytes, const char* byte = "AB") {
  std::string text;
  for (std::size_t i = 0; i < bytes; ++i) text += (i == 0 ? "" : ":") + std::string(byte);
  return text;
}

TEST(Fingerprint, ReadsWhatSdpWrites) {
  struct Row {
    std::string text;
    bool accepted;
  };
  const Row rows[] = {
      {"sha-256 " + digits(32), true},
      {"SHA-256 " + digits(32, "ab"), true},
      {"sha-384 " + digits(48), true},
      {"sha-512 " + digits(64), true},
      {"sha-1 " + digits(20), false},  // not fit to identify anyone
      {"md5 " + digits(16), false},
      {"sha-256 " + digits(31), false},
      {"sha-256 " + digits(33), false},
      {"sha-256 " + digits(32) + " ", false},
      {"sha-256  " + digits(32), false},
      {"sha-256 " + digits(32, "AG"), false},
      {"sha-256 " + digits(32).replace(2, 1, "-"), false},
      {"sha-256", false},
      {"sha-2567 " + digits(32), false},
      {"", false},
      {" ", false},
  };
  for (const auto& row : rows) EXPECT_EQ(Fingerprint::parse(row.text).has_value(), row.accepted) << row.text;
}

TEST(Fingerprint, WritesUpperCase) {
  EXPECT_EQ(Fingerprint::parse("SHA-256 " + digits(32, "0a"))->to_string(), "sha-256 " + digits(32, "0A"));
}

TEST(Fingerprint, MatchesOnlyTheSameHashAndDigest) {
  const auto one = *Fingerprint::parse("sha-256 " + digits(32, "ab"));
  EXPECT_TRUE(one.matches(*Fingerprint::parse("sha-256 " + digits(32, "AB"))));
  EXPECT_FALSE(one.matches(*Fingerprint::parse("sha-256 " + digits(32, "AC"))));
  EXPECT_FALSE(one.matches(*Fingerprint::parse("sha-384 " + digits(48, "AB"))));
  EXPECT_FALSE(Fingerprint{}.matches(Fingerprint{})) << "nothing must not match nothing";
}

TEST(Identity, EachHasItsOwnFingerprint) {
  const auto one = Identity::create();
  const auto two = Identity::create();
  ASSERT_TRUE(one && two);
  EXPECT_TRUE(Fingerprint::parse((*one)->fingerprint()));
  EXPECT_NE((*one)->fingerprint(), (*two)->fingerprint());
}

TEST(Identity, AnUnknownSrtpProfileIsAnError) {
  EXPECT_FALSE(Identity::create("SRTP_NONSENSE"));
}

}  // namespace
}  // namespace parley::dtls
