#include "mcu/signaling/token.hpp"

#include <gtest/gtest.h>

#include "tests/unit/mcu/signaling/sign.hpp"

namespace parley::signaling {
namespace {

constexpr const char* kKey = "a key of tests, long enough";
const WallTime kNow{std::chrono::seconds(1'800'000'000)};
constexpr const char* kGood = R"({"room":"r","name":"Ann","role":"moderator","exp":1800000060})";

std::string verdict(const std::string& token, const char* key = kKey, WallTime at = kNow) {
  const auto claims = verify_token(token, key, at);
  return claims ? "good" : claims.error().what;
}

TEST(Token, SaysWhoMayJoinWhere) {
  const auto claims = verify_token(sign(kGood, kKey), kKey, kNow);
  ASSERT_TRUE(claims) << claims.error().what;
  EXPECT_EQ(claims->room, "r");
  EXPECT_EQ(claims->name, "Ann");
  EXPECT_EQ(claims->role, room::Role::moderator);
  EXPECT_EQ(claims->expires, kNow + std::chrono::seconds(60));
  EXPECT_FALSE(claims->once);
  EXPECT_EQ(claims->id.size(), 32U);
}

TEST(Token, TheVectorOfRfc7515) {
  // Appendix A.1: its key as octets; its claims name no room, which proves that the signature was accepted.
  std::string key;
  for (const int octet : {3,   35,  53, 75,  43,  15, 165, 188, 131, 126, 6,   101, 119, 123, 166, 143,
                          90,  179, 40, 230, 240, 84, 201, 40,  169, 15,  132, 178, 210, 80,  46,  191,
                          211, 251, 90, 146, 210, 6,  71,  239, 150, 138, 180, 195, 119, 98,  61,  34,
                          61,  46,  33, 114, 5,   46, 79,  8,   192, 205, 154, 245, 103, 208, 128, 163})
    key.push_back(static_cast<char>(octet));
  const std::string token =
      "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9."
      "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ."
      "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
  EXPECT_EQ(verify_token(token, key, kNow).error().what, "the token names no room");
}

TEST(Token, Claims) {
  struct Row {
    const char* what;
    const char* claims;
    const char* verdict;
  };
  const Row rows[] = {
      {"least", R"({"room":"r","exp":1800000001})", "good"},
      {"fraction of a second", R"({"room":"r","exp":1800000000.5})", "good"},
      {"unknown claims are ignored", R"({"room":"r","exp":1800000001,"iss":"x","aud":[1]})", "good"},
      {"valid since now", R"({"room":"r","exp":1800000001,"nbf":1800000000})", "good"},
      {"no room", R"({"exp":1800000001})", "the token names no room"},
      {"room of a wrong type", R"({"room":1,"exp":1800000001})", "the token names no room"},
      {"a path for a room", R"({"room":"../r","exp":1800000001})", "the token names no room"},
      {"name of a wrong type", R"({"room":"r","name":{},"exp":1800000001})", "the token's name is no text"},
      {"unknown role", R"({"room":"r","role":"admin","exp":1800000001})", "the token's role is unknown"},
      {"no expiry", R"({"room":"r"})", "the token has no time of expiry"},
      {"expiry as text", R"({"room":"r","exp":"1800000001"})", "the token has no time of expiry"},
      {"negative expiry", R"({"room":"r","exp":-1})", "the token has no time of expiry"},
      {"endless expiry", R"({"room":"r","exp":1e300})", "the token has no time of expiry"},
      {"expires now", R"({"room":"r","exp":1800000000})", "the token has expired"},
      {"expired", R"({"room":"r","exp":1})", "the token has expired"},
      {"not yet", R"({"room":"r","exp":1800000009,"nbf":1800000001})", "the token is not valid yet"},
      {"nbf of a wrong type", R"({"room":"r","exp":1800000009,"nbf":true})", "the token is not valid yet"},
      {"once of a wrong type", R"({"room":"r","exp":1800000009,"once":1})",
       "the token's `once` is neither true nor false"},
      {"no JSON", "room=r", "the token's claims cannot be read"},
      {"no object", "[]", "the token's claims cannot be read"},
      {"too deep", R"({"room":"r","exp":1800000009,"x":[[[[[[]]]]]]})", "the token's claims cannot be read"},
  };
  for (const auto& row : rows) EXPECT_EQ(verdict(sign(row.claims, kKey)), row.verdict) << row.what;
}

TEST(Token, OnlyHs256) {
  struct Row {
    const char* what;
    const char* header;
    const char* verdict;
  };
  const Row rows[] = {
      {"plain", R"({"alg":"HS256"})", "good"},
      {"none, signed all the same", R"({"alg":"none"})", "the token is not signed by HS256"},
      {"lower case", R"({"alg":"hs256"})", "the token is not signed by HS256"},
      {"another", R"({"alg":"HS512"})", "the token is not signed by HS256"},
      {"missing", R"({})", "the token is not signed by HS256"},
      {"of a wrong type", R"({"alg":["HS256"]})", "the token is not signed by HS256"},
      {"critical extensions", R"({"alg":"HS256","crit":["b64"]})", "the token is not signed by HS256"},
      {"no JSON", "HS256", "the token is not signed by HS256"},
  };
  for (const auto& row : rows)
    EXPECT_EQ(verdict(sign_parts(row.header, kGood, kKey)), row.verdict) << row.what;
}

TEST(Token, Forgeries) {
  const auto good = sign(kGood, kKey);
  const auto last = good.rfind('.');
  const auto signed_part = good.substr(0, last);
  EXPECT_EQ(verdict(good), "good");
  EXPECT_EQ(verdict(good, "another key"), "the token's signature is wrong");
  EXPECT_EQ(verdict(good, ""), "this server takes no tokens");
  EXPECT_EQ(verdict(sign(kGood, "")), "the token's signature is wrong");

  const std::string none = base64url(R"({"alg":"none"})") + "." + base64url(kGood) + ".";
  struct Row {
    const char* what;
    std::string token;
    const char* verdict;
  };
  const Row rows[] = {
      {"alg none, no signature", none, "the token's signature is wrong"},
      {"no signature", signed_part + ".", "the token's signature is wrong"},
      {"half a signature", good.substr(0, last + 20), "the token's signature is wrong"},
      {"longer signature", good + "AA", "the token's signature is wrong"},
      {"padded", good + "=", "the token's signature is wrong"},
      {"white space", good + " ", "the token's signature is wrong"},
      {"two parts", signed_part, "this is not a token"},
      {"four parts", good + ".x", "this is not a token"},
      {"empty", "", "this is not a token"},
      {"dots", "..", "the token's signature is wrong"},
      {"huge", std::string(5000, 'a'), "this is not a token"},
  };
  for (const auto& row : rows) EXPECT_EQ(verdict(row.token), row.verdict) << row.what;

  for (std::size_t i = 0; i < good.size(); ++i) {
    auto tampered = good;
    tampered[i] = tampered[i] == 'A' ? 'B' : 'A';
    if (tampered == good) continue;
    EXPECT_NE(verdict(tampered), "good") << "byte " << i;
  }
}

// Otherwise a once token would have as many lives as its signature has spellings.
TEST(Token, ASignatureHasOneSpelling) {
  auto token = sign(kGood, kKey);
  static constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const auto last = kAlphabet.find(token.back());
  ASSERT_EQ(last % 4, 0U);  // 43 letters carry 258 bits of which 2 are unused
  for (std::size_t other = 1; other < 4; ++other) {
    token.back() = kAlphabet[last + other];
    EXPECT_EQ(verdict(token), "the token's signature is wrong");
  }
}

TEST(Token, OnceTokensAreToldApartByTheirSignature) {
  const auto one =
      verify_token(sign(R"({"room":"r","exp":1800000009,"once":true,"name":"a"})", kKey), kKey, kNow);
  const auto two =
      verify_token(sign(R"({"room":"r","exp":1800000009,"once":true,"name":"b"})", kKey), kKey, kNow);
  ASSERT_TRUE(one && two);
  EXPECT_TRUE(one->once);
  EXPECT_NE(one->id, two->id);
}

}  // namespace
}  // namespace parley::signaling
