#include <gtest/gtest.h>

#include "tests/unit/pipelines/recorder/memory_file.hpp"

namespace parley::recorder {
namespace {

TEST(OggCrc, HasTheCheckValueOfItsPolynomial) {
  EXPECT_EQ(ogg_crc(as_bytes("123456789")), 0x89a1897fU);
}

TEST(OggPage, ReadsBackWhatItWrote) {
  OggPage page;
  const ByteBuffer empty, one = {7}, exact(255, 1), two(300, 2), more(510, 3);
  for (const auto& packet : {one, exact, empty, two, more}) page.add(packet);
  const auto bytes = page.bytes(0xdeadbeef, 5, 0x0102030405060708, kOggLast);
  OggPageView view;
  ASSERT_TRUE(read_page(bytes, view));
  EXPECT_EQ(view.serial, 0xdeadbeefU);
  EXPECT_EQ(view.sequence, 5U);
  EXPECT_EQ(view.granule, 0x0102030405060708U);
  EXPECT_EQ(view.flags, kOggLast);
  EXPECT_EQ(view.size, bytes.size());
  ASSERT_EQ(view.packets.size(), 5U);
  EXPECT_EQ(view.packets[1].size(), 255U);
  EXPECT_EQ(view.packets[2].size(), 0U);
  EXPECT_EQ(view.packets[4].size(), 510U);
}

TEST(OggPage, RefusesEveryCutAndEveryDamagedByte) {
  OggPage page;
  page.add(ByteBuffer(40, 9));
  page.add(ByteBuffer(3, 8));
  const auto bytes = page.bytes(1, 2, 3, 0);
  OggPageView view;
  for (std::size_t cut = 0; cut < bytes.size(); ++cut)
    EXPECT_FALSE(read_page(Bytes(bytes).first(cut), view)) << cut;
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    auto damaged = bytes;
    damaged[at] ^= 0x10U;
    EXPECT_FALSE(read_page(damaged, view)) << at;
  }
}

TEST(OggPage, KnowsWhenItIsFull) {
  OggPage page;
  int packets = 0;
  for (; page.fits(1); ++packets) page.add(ByteBuffer(1, 0));
  EXPECT_EQ(packets, 255);
  OggPageView view;
  ASSERT_TRUE(read_page(page.bytes(1, 1, 1, 0), view));
  EXPECT_EQ(view.packets.size(), 255U);
}

TEST(OggScan, StopsAtDamageAndCloses) {
  ByteBuffer file;
  const auto append = [&](const ByteBuffer& part) { file.insert(file.end(), part.begin(), part.end()); };
  OggPage head, tags, data;
  head.add(as_bytes("OpusHead___________"));
  tags.add(as_bytes("OpusTags"));
  data.add(ByteBuffer{0x48, 1, 2});
  append(head.bytes(9, 0, 0, kOggFirst));
  append(tags.bytes(9, 1, 0, 0));
  append(data.bytes(9, 2, 960, 0));
  const auto good = file.size();
  append(data.bytes(9, 3, 1920, 0));
  file.resize(file.size() - 1);

  const auto scan = scan_ogg(file);
  EXPECT_EQ(scan.good_bytes, good);
  EXPECT_EQ(scan.granule, 960U);
  EXPECT_TRUE(scan.opus);
  const auto close = closing_page(scan);
  OggPageView last;
  ASSERT_TRUE(read_page(close, last));
  EXPECT_EQ(last.sequence, 3U);
  EXPECT_EQ(last.granule, 960U);
  EXPECT_EQ(last.flags, kOggLast);
  ASSERT_EQ(last.packets.size(), 1U);
  EXPECT_EQ(last.packets[0][0], 0x48);
  file.resize(good);
  append(close);
  EXPECT_TRUE(closing_page(scan_ogg(file)).empty());
  EXPECT_TRUE(closing_page(scan_ogg({})).empty());
}

}  // namespace
}  // namespace parley::recorder
