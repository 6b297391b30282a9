#include "mcu/room/names.hpp"

#include <gtest/gtest.h>

namespace parley::room {
namespace {

TEST(RoomName, IsOneSegmentOfAPathAndPrintable) {
  for (const auto* name : {"a", "Room-1", "x_y.z", "0", "two words",
                           "K\xc3\xbc"
                           "che",
                           ".hidden", "a\\b", "100%"})
    EXPECT_TRUE(valid_room_name(name)) << name;
  for (const auto* name : {"", ".", "..", "a/b", "/", " a", "a ", "a\n", "\x1b[m", "\xff", "\xe2\x80\xae"})
    EXPECT_FALSE(valid_room_name(name)) << name;
  EXPECT_TRUE(valid_room_name(std::string(64, 'a')));
  EXPECT_FALSE(valid_room_name(std::string(65, 'a')));
  EXPECT_FALSE(valid_room_name(std::string_view("a\0b", 3)));
}

TEST(Text, IsWellFormedUtf8WithoutControls) {
  struct Row {
    const char* what;
    std::string_view text;
    bool valid;
  };
  const Row rows[] = {
      {"ascii", "Ann", true},
      {"two bytes", "Zo\xc3\xab", true},
      {"three bytes", "\xe2\x82\xac", true},
      {"four bytes", "\xf0\x9f\x8e\xa4", true},
      {"highest code point", "\xf4\x8f\xbf\xbf", true},
      {"joined emoji keep their joiner", "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x94\xac", true},
      {"script is text", "<script>alert(1)</script>", true},
      {"beyond the highest", "\xf4\x90\x80\x80", false},
      {"overlong slash", "\xc0\xaf", false},
      {"overlong in three", "\xe0\x80\xaf", false},
      {"surrogate", "\xed\xa0\x80", false},
      {"lone continuation", "\x80", false},
      {"cut short", "\xe2\x82", false},
      {"cut by ascii", "\xc3(", false},
      {"escape", "\x1b[31m", false},
      {"line feed", "a\nb", false},
      {"delete", "a\x7f", false},
      {"C1 control", "\xc2\x9b", false},
      {"text turned round", "\xe2\x80\xae", false},
      {"isolate", "\xe2\x81\xa6", false},
      {"line separator", "\xe2\x80\xa8", false},
      {"NUL", {"a\0b", 3}, false},
  };
  for (const auto& row : rows) EXPECT_EQ(valid_text(row.text), row.valid) << row.what;
}

TEST(Text, ChatMayHaveLines) {
  EXPECT_TRUE(valid_text("one\r\n\ttwo", true));
  EXPECT_FALSE(valid_text("bell\a", true));
  EXPECT_FALSE(valid_text("\xe2\x80\xae", true));
}

TEST(DisplayName, IsTrimmedAndNeverEmpty) {
  EXPECT_EQ(display_name("  Ann Lee "), "Ann Lee");
  EXPECT_EQ(display_name(""), "guest");
  EXPECT_EQ(display_name("   "), "guest");
  EXPECT_EQ(display_name("\n"), std::nullopt);
  std::string longest;
  for (int i = 0; i < 64; ++i) longest += "\xc3\xab";  // counted in characters, not in bytes
  EXPECT_EQ(display_name(longest), longest);
  EXPECT_EQ(display_name(" " + longest + " "), longest);
  EXPECT_EQ(display_name(longest + "x"), std::nullopt);
}

}  // namespace
}  // namespace parley::room
