#include "transport/rtp/header_extensions.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/transport/base/hex.hpp"

namespace parley::rtp {
namespace {

using test::from_hex;
using test::to_hex;

std::string elements_of(std::uint16_t profile, Bytes extension) {
  RtpPacket packet;
  packet.extension_profile = profile;
  packet.extension = extension;
  ExtensionElements elements(packet);
  std::string text;
  while (const auto element = elements.next())
    text += std::to_string(element->id) + "=" + to_hex(element->data) + " ";
  return text;
}

TEST(ExtensionElements, Table) {
  struct Case {
    const char* what;
    std::uint16_t profile;
    const char* hex;
    const char* elements;
  };
  const Case cases[] = {
      {"one element", 0xbede, "10aa0000", "1=aa "},
      {"two with padding between", 0xbede, "10aa00 21bbcc 00", "1=aa 2=bbcc "},
      {"sixteen bytes, the longest", 0xbede, "1f 000102030405060708090a0b0c0d0e0f 000000",
       "1=000102030405060708090a0b0c0d0e0f "},
      {"the last id", 0xbede, "e0aa0000", "14=aa "},
      {"padding only", 0xbede, "00000000", ""},
      {"nothing", 0xbede, "", ""},
      {"reserved id 15 ends the walk", 0xbede, "10aa f0bb 20cc 0000", "1=aa "},
      {"padding with a length ends the walk", 0xbede, "10aa 01bb 20cc 0000", "1=aa "},
      {"element longer than what is left", 0xbede, "10aa 2fbb", "1=aa "},
      {"head at the very end", 0xbede, "10aa0020", "1=aa "},
      {"two-byte form", 0x1000, "0101aa 0203bbccdd", "1=aa 2=bbccdd "},
      {"two-byte form with appbits", 0x100f, "0101aa00", "1=aa "},
      {"two-byte form, empty element", 0x1000, "0100 0201bb 000000", "1= 2=bb "},
      {"two-byte form, id above 14", 0x1000, "ff01aa00", "255=aa "},
      {"two-byte form, padding", 0x1000, "00 0101aa", "1=aa "},
      {"two-byte form, length lies", 0x1000, "0101aa 02ffbb", "1=aa "},
      {"two-byte form, no length", 0x1000, "0101aa 02", "1=aa "},
      {"no form of RFC 8285", 0x1234, "10aa0000", ""},
      {"two-byte profile with other high bits", 0x1100, "0101aa00", ""},
  };
  for (const Case& c : cases) EXPECT_EQ(elements_of(c.profile, from_hex(c.hex)), c.elements) << c.what;
}

TEST(FindExtension, GivesTheFirstOfItsId) {
  const auto bytes = from_hex("10aa 20bb 10cc 0000");
  RtpPacket packet;
  packet.extension_profile = kOneByteProfile;
  packet.extension = bytes;
  ASSERT_TRUE(find_extension(packet, 1));
  EXPECT_EQ(to_hex(*find_extension(packet, 1)), "aa");
  EXPECT_EQ(to_hex(*find_extension(packet, 2)), "bb");
  EXPECT_FALSE(find_extension(packet, 3));
  EXPECT_FALSE(find_extension(packet, 0));
}

TEST(AudioLevel, SplitsVoiceBitAndLevel) {
  struct Case {
    const char* hex;
    int level;
    bool voice;
  };
  const Case cases[] = {{"00", 0, false},  {"80", 0, true},  {"7f", 127, false},
                        {"ff", 127, true}, {"8a", 10, true}, {"0aee", 10, false}};
  for (const Case& c : cases) {
    const auto level = parse_audio_level(from_hex(c.hex));
    ASSERT_TRUE(level) << c.hex;
    EXPECT_EQ(level->level, c.level) << c.hex;
    EXPECT_EQ(level->voice, c.voice) << c.hex;
  }
  EXPECT_FALSE(parse_audio_level({}));
}

TEST(MixerLevels, OneLevelPerCsrc) {
  const auto levels = parse_mixer_levels(from_hex("0a 7f 80"));
  ASSERT_TRUE(levels);
  ASSERT_EQ(levels->count, 3);
  EXPECT_EQ(levels->level[0], 10);
  EXPECT_EQ(levels->level[1], 127);
  EXPECT_EQ(levels->level[2], 0);  // the top bit is reserved
  EXPECT_FALSE(parse_mixer_levels({}));
  EXPECT_FALSE(parse_mixer_levels(ByteBuffer(16)));
}

TEST(WriteExtensionBlock, Table) {
  const std::vector<std::uint8_t> two = {10, 20};
  std::vector<std::uint8_t> fifteen(15, 1);
  const std::vector<std::uint8_t> loud = {200};
  struct Case {
    const char* what;
    LevelExtensions levels;
    std::string hex;
  };
  const Case cases[] = {
      {"nothing negotiated", {0, {5, true}, 0, two}, ""},
      {"mixer levels negotiated, nobody speaks", {0, {}, 2, {}}, ""},
      {"client level", {1, {5, true}, 0, {}}, "bede0001 10850000"},
      {"client level without voice", {14, {127, false}, 0, {}}, "bede0001 e07f0000"},
      {"level beyond the scale", {1, {200, false}, 0, {}}, "bede0001 107f0000"},
      {"mixer levels", {0, {}, 2, two}, "bede0001 210a1400"},
      {"mixer level beyond the scale", {0, {}, 2, loud}, "bede0001 207f0000"},
      {"both", {1, {5, false}, 2, two}, "bede0002 1005 210a14 000000"},
      {"fifteen levels", {0, {}, 2, fifteen}, "bede0004 2e 010101010101010101010101010101"},
      {"an id that needs the two-byte form", {15, {5, false}, 0, {}}, "10000001 0f010500"},
      {"one of two ids needs it", {1, {5, false}, 255, two}, "10000002 010105 ff020a14 00"},
  };
  for (const Case& c : cases) {
    std::array<std::uint8_t, kMaxExtensionBlock> out{};
    const std::size_t size = write_extension_block(out, c.levels);
    EXPECT_EQ(to_hex(Bytes(out).first(size)), to_hex(from_hex(c.hex))) << c.what;
  }
}

TEST(WriteExtensionBlock, TheLargestBlockFitsTheConstantAndNothingLess) {
  const std::vector<std::uint8_t> fifteen(15, 1);
  const LevelExtensions levels{200, {5, false}, 201, fifteen};
  std::array<std::uint8_t, kMaxExtensionBlock> out{};
  EXPECT_EQ(write_extension_block(out, levels), kMaxExtensionBlock);
  EXPECT_EQ(write_extension_block(std::span(out).first(kMaxExtensionBlock - 1), levels), 0U);
}

TEST(WriteExtensionBlock, IsReadBackFromAPacket) {
  const std::vector<std::uint8_t> two = {10, 20};
  for (const std::uint8_t id : std::vector<std::uint8_t>{1, 14, 15, 200}) {
    std::array<std::uint8_t, kMaxExtensionBlock> block{};
    const std::size_t block_size = write_extension_block(block, {id, {33, true}, 3, two});
    std::array<std::uint8_t, 100> out{};
    const std::size_t size = write_rtp(out, {}, Bytes(block).first(block_size), from_hex("aa"));
    const auto packet = parse_rtp(Bytes(out).first(size));
    ASSERT_TRUE(packet);
    const auto own = find_extension(*packet, id);
    ASSERT_TRUE(own);
    EXPECT_EQ(parse_audio_level(*own)->level, 33);
    EXPECT_TRUE(parse_audio_level(*own)->voice);
    const auto mixer = find_extension(*packet, 3);
    ASSERT_TRUE(mixer);
    EXPECT_EQ(to_hex(*mixer), "0a14");
  }
}

}  // namespace
}  // namespace parley::rtp
