#include "transport/protocol/text.hpp"

#include <gtest/gtest.h>

namespace parley::protocol {
namespace {

struct Case {
  std::string text;
  bool taken;
};

TEST(Text, Utf8) {
  struct Length {
    std::string text;
    std::optional<std::size_t> characters;
  };
  const Length kCases[] = {
      {"", 0},
      {"abc", 3},
      {"\xc3\xa9", 1},
      {"\xe2\x82\xac", 1},
      {"\xf0\x9f\x98\x80", 1},
      {"\xf4\x8f\xbf\xbf", 1},             // U+10FFFF
      {"\xf4\x90\x80\x80", std::nullopt},  // above
      {"\xed\xa0\x80", std::nullopt},      // surrogate
      {"\xc0\xaf", std::nullopt},          // overlong '/'
      {"\xe0\x80\xaf", std::nullopt},      // overlong
      {"\xf0\x80\x80\xaf", std::nullopt},  // overlong
      {"\x80", std::nullopt},              // continuation alone
      {"\xc3", std::nullopt},              // cut off
      {"\xe2\x82", std::nullopt},          // cut off
      {"\xc3\x41", std::nullopt},
      {"\xff", std::nullopt},
      {"\xf8\x88\x80\x80\x80", std::nullopt},  // five bytes
  };
  for (const auto& c : kCases) {
    EXPECT_EQ(utf8_length(c.text), c.characters) << testing::PrintToString(c.text);
    EXPECT_TRUE(utf8_length(well_formed_utf8(c.text)));
    EXPECT_EQ(well_formed_utf8(c.text) == c.text, c.characters.has_value());
  }
  EXPECT_EQ(well_formed_utf8("a\xff\xc3z"), "a\xef\xbf\xbd\xef\xbf\xbdz");
}

TEST(Text, Names) {
  std::string sixty_four;
  for (int i = 0; i < 64; ++i) sixty_four += "\xc3\xa9";
  const Case kCases[] = {
      {"", true},
      {"Zoë Ångström", true},
      {"李小龍", true},
      {"a/b", true},
      {"👩‍💻", true},  // held together by a zero width joiner
      {sixty_four, true},
      {sixty_four + "x", false},
      {"a\nb", false},
      {std::string("a\0b", 3), false},
      {"\x1b[31m", false},
      {"\x7f", false},
      {"\xc2\x85", false},      // NEL
      {"\xe2\x80\xae", false},  // right-to-left override
      {"\xe2\x81\xa6", false},  // isolate
      {"\xe2\x80\xa8", false},  // line separator
      {"\xef\xbb\xbf", false},  // byte order mark
      {"\xff", false},
  };
  for (const auto& c : kCases)
    EXPECT_EQ(!complain_about_name(c.text), c.taken) << testing::PrintToString(c.text);
}

TEST(Text, RoomNames) {
  const Case kCases[] = {
      {"standup", true},
      {"Küche 2", true},
      {"..x", true},
      {"", false},
      {".", false},
      {"..", false},
      {"a/b", false},
      {"../etc/passwd", false},
      {"a\tb", false},
      {std::string(64, 'r'), true},
      {std::string(65, 'r'), false},
  };
  for (const auto& c : kCases)
    EXPECT_EQ(!complain_about_room_name(c.text), c.taken) << testing::PrintToString(c.text);
}

TEST(Text, Ids) {
  const Case kCases[] = {{"a", true},     {"Ab-_9", true},    {std::string(64, 'i'), true},
                         {"", false},     {"a b", false},     {std::string(65, 'i'), false},
                         {"../x", false}, {"\xc3\xa9", false}};
  for (const auto& c : kCases)
    EXPECT_EQ(!complain_about_id(c.text), c.taken) << testing::PrintToString(c.text);
}

TEST(Text, Chat) {
  const Case kCases[] = {{"hello\n\tthere", true},        {"", false},        {std::string(2000, 'x'), true},
                         {std::string(2001, 'x'), false}, {"\x1b[2J", false}, {"\xc3", false}};
  for (const auto& c : kCases)
    EXPECT_EQ(!complain_about_chat(c.text), c.taken) << testing::PrintToString(c.text);
}

}  // namespace
}  // namespace parley::protocol
