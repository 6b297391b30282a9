#include "transport/base/bytes.hpp"

#include <gtest/gtest.h>

#include "tests/unit/transport/base/hex.hpp"

namespace parley {
namespace {

using test::from_hex;
using test::to_hex;

TEST(ByteReader, ReadsBigEndian) {
  const auto bytes = from_hex("01 0203 040506 0708090a 0b0c0d0e0f101112 1314");
  ByteReader reader(bytes);
  EXPECT_EQ(reader.u8(), 0x01);
  EXPECT_EQ(reader.u16(), 0x0203);
  EXPECT_EQ(reader.u24(), 0x040506U);
  EXPECT_EQ(reader.u32(), 0x0708090aU);
  EXPECT_EQ(reader.u64(), 0x0b0c0d0e0f101112U);
  EXPECT_EQ(reader.position(), 18U);
  EXPECT_EQ(reader.remaining(), 2U);
  EXPECT_EQ(to_hex(reader.rest()), "1314");
  EXPECT_TRUE(reader.ok());
  EXPECT_EQ(reader.remaining(), 0U);
  EXPECT_TRUE(reader.rest().empty());
  EXPECT_TRUE(reader.ok()) << "nothing is left, and nothing is what rest() gave";
}

TEST(ByteReader, TheFirstReadThatDoesNotFitFailsForGood) {
  const auto bytes = from_hex("010203");
  struct Case {
    const char* what;
    void (*read)(ByteReader&);
  };
  const Case cases[] = {
      {"u32", [](ByteReader& r) { EXPECT_EQ(r.u32(), 0U); }},
      {"u64", [](ByteReader& r) { EXPECT_EQ(r.u64(), 0U); }},
      {"take one too many", [](ByteReader& r) { EXPECT_TRUE(r.take(4).empty()); }},
      {"take all there is in the world", [](ByteReader& r) { EXPECT_TRUE(r.take(SIZE_MAX).empty()); }},
      {"take so many that the position wraps",
       [](ByteReader& r) {
         r.u8();
         EXPECT_TRUE(r.take(SIZE_MAX).empty());
       }},
  };
  for (const Case& c : cases) {
    ByteReader reader(bytes);
    c.read(reader);
    EXPECT_FALSE(reader.ok()) << c.what;
    EXPECT_EQ(reader.u8(), 0) << c.what << ": bytes are left, but after a failure nothing is read";
    EXPECT_TRUE(reader.rest().empty()) << c.what;
    EXPECT_FALSE(reader.ok()) << c.what;
  }
}

TEST(ByteReader, EmptyInput) {
  ByteReader reader({});
  EXPECT_TRUE(reader.ok());
  EXPECT_TRUE(reader.take(0).empty());
  EXPECT_TRUE(reader.ok());
  EXPECT_EQ(reader.u8(), 0);
  EXPECT_FALSE(reader.ok());
}

TEST(ByteWriter, WritesBigEndian) {
  std::array<std::uint8_t, 24> out{};
  ByteWriter writer(out);
  writer.u8(0x01);
  writer.u16(0x0203);
  writer.u24(0x040506);
  writer.u32(0x0708090a);
  writer.u64(0x0b0c0d0e0f101112);
  writer.bytes(from_hex("1314"));
  writer.zeros(2);
  writer.bytes({});
  writer.zeros(0);
  EXPECT_TRUE(writer.ok());
  EXPECT_EQ(writer.size(), 22U);
  EXPECT_EQ(to_hex(writer.written()),
            "0102030405060708090a0b0c0d0e0f1011121314"
            "0000");
  writer.patch_u16(1, 0xffee);
  EXPECT_EQ(to_hex(writer.written().first(4)), "01ffee04");
}

TEST(ByteWriter, WhatDoesNotFitIsNotWritten) {
  struct Case {
    const char* what;
    void (*write)(ByteWriter&);
  };
  const Case cases[] = {
      {"u32", [](ByteWriter& w) { w.u32(0xffffffff); }},
      {"bytes", [](ByteWriter& w) { w.bytes(from_hex("ffffffff")); }},
      {"zeros", [](ByteWriter& w) { w.zeros(4); }},
      {"many zeros", [](ByteWriter& w) { w.zeros(1'000'000); }},
      {"patch behind the end", [](ByteWriter& w) { w.patch_u16(1, 0xffff); }},
  };
  for (const Case& c : cases) {
    std::array<std::uint8_t, 5> out{};
    out.fill(0xaa);
    ByteWriter writer(out);
    writer.u16(0x0102);
    c.write(writer);
    EXPECT_FALSE(writer.ok()) << c.what;
    writer.u8(3);
    EXPECT_FALSE(writer.ok()) << c.what << ": it would fit, but something is missing before it";
    EXPECT_EQ(to_hex(out), "0102aaaaaa") << c.what;
  }
}

TEST(Text, ViewsAreTheSameBytes) {
  EXPECT_EQ(to_hex(as_bytes("ab")), "6162");
  const auto bytes = from_hex("6162");
  EXPECT_EQ(as_text(bytes), "ab");
  EXPECT_TRUE(as_bytes("").empty());
  EXPECT_TRUE(as_text({}).empty());
}

}  // namespace
}  // namespace parley
