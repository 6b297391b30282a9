// JSON that is broken, or legal and yet refused, before any field is looked at.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "transport/protocol/json_text.hpp"
#include "transport/protocol/messages.hpp"

namespace parley::protocol {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

std::string wrong_with(const std::string& text) {
  return read_object(text, kMaxClientMessage, kMaxDepth).wrong.value_or("nothing");
}
std::string nested(std::size_t depth) {
  return "{\"a\":" + std::string(depth - 1, '[') + std::string(depth - 1, ']') + "}";
}

TEST(JsonText, Refused) {
  struct Case {
    std::string text;
    const char* wrong;
  };
  const Case kCases[] = {
      {"", "is not valid JSON: "},
      {"   ", "is not valid JSON: "},
      {"{", "is not valid JSON: "},
      {"{\"a\":1", "is not valid JSON: "},
      {"{\"a\":1}x", "is not valid JSON: "},
      {"{\"a\":1}{\"a\":1}", "is not valid JSON: "},
      {"{'a':1}", "is not valid JSON: "},
      {"{\"a\":1,}", "is not valid JSON: "},
      {"{/**/\"a\":1}", "is not valid JSON: "},
      {"{\"a\":NaN}", "is not valid JSON: "},
      {"{\"a\":Infinity}", "is not valid JSON: "},
      {"{\"a\":01}", "is not valid JSON: "},
      {"{\"a\":+1}", "is not valid JSON: "},
      {"{\"a\":\"\n\"}", "is not valid JSON: "},
      {"{\"a\":\"\xff\"}", "is not valid JSON: "},
      {"{\"a\":\"\xc0\xaf\"}", "is not valid JSON: "},
      {"{\"a\":\"\\ud800\"}", "is not valid JSON: "},
      {std::string("{\"a\":1}\0", 8), "is not valid JSON: "},
      {"[]", "is not a JSON object"},
      {"1", "is not a JSON object"},
      {"\"text\"", "is not a JSON object"},
      {"null", "is not a JSON object"},
      {"{\"a\":1,\"a\":2}", "has a key twice in one object"},
      {"{\"a\":1,\"\\u0061\":2}", "has a key twice in one object"},
      {"{\"x\":[{\"b\":{\"a\":1,\"c\":3,\"a\":2}}]}", "has a key twice in one object"},
      {"{\"x\":{\"deep\":{\"a\":1,\"a\":1}},\"x\":1}", "has a key twice in one object"},
      {nested(17), "is nested deeper than 16"},
      {"{\"" + std::string(300, 'k') + "\":1}", "is not valid JSON: "},
      {"{\"a\":\"" + std::string(kMaxClientMessage, 'x') + "\"}", "is longer than 262144 bytes"},
  };
  for (const auto& c : kCases) EXPECT_THAT(wrong_with(c.text), StartsWith(c.wrong)) << c.text.substr(0, 100);
}

TEST(JsonText, Taken) {
  for (const std::string& text :
       {std::string("{}"), std::string(" {\"a\" : 1}\r\n"), nested(16),
        std::string("{\"a\":1e999}"),  // too large for a double: a field's range refuses it
        std::string("{\"a\":{\"a\":{\"a\":1}},\"b\":[{\"a\":1},{\"a\":1}]}"),
        std::string("{\"\\u0000\":\"\\ud83d\\ude00\"}")})
    EXPECT_EQ(wrong_with(text), "nothing") << text;
}

TEST(JsonText, ManyKeysAreFoundTwiceTooAndFast) {
  std::string text = "{";
  for (int i = 0; i < 9000; ++i) text += "\"key" + std::to_string(i) + "\":1,";
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(wrong_with(text + "\"last\":1}"), "nothing");
  EXPECT_EQ(wrong_with(text + "\"key4711\":1}"), "has a key twice in one object");
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(2));
}

TEST(JsonText, DepthCostsNothing) {
  EXPECT_EQ(wrong_with(std::string(200'000, '[')), "is nested deeper than 16");
  std::string objects;
  for (int i = 0; i < 10'000; ++i) objects += "{\"a\":";
  EXPECT_EQ(wrong_with(objects), "is nested deeper than 16");
}

TEST(ClientMessage, ABrokenMessageIsABadMessage) {
  for (const std::string text :
       {"", "{", "[]", "{\"type\":1,\"id\":1}", "{\"id\":1}", "{\"type\":\"ping\",\"type\":\"ping\"}"}) {
    const auto parsed = parse_client_message(text);
    const auto* refused = std::get_if<Refused>(&parsed);
    ASSERT_NE(refused, nullptr) << text;
    EXPECT_EQ(refused->failure.code, "bad-message") << text;
    EXPECT_EQ(refused->failure.status, 400);
    EXPECT_FALSE(refused->failure.message.empty());
  }
}

}  // namespace
}  // namespace parley::protocol
