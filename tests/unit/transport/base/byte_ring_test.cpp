#include "transport/base/byte_ring.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace parley {
namespace {

struct Header {
  std::uint32_t number = 0;
  std::uint16_t size = 0;
};

TEST(ByteRing, WrapsAndRefusesWhenFull) {
  ByteRing<Header> ring(64);
  const ByteBuffer payload(20, 7);
  ASSERT_TRUE(ring.push({1, 20}, payload));
  ASSERT_TRUE(ring.push({2, 20}, payload));
  EXPECT_FALSE(ring.push({3, 20}, payload));
  Header header;
  std::uint8_t out[64];
  for (std::uint32_t i = 1; i < 100; ++i) {
    ASSERT_TRUE(ring.peek(header));
    EXPECT_EQ(header.number, i);
    ring.pop(header, out);
    ASSERT_TRUE(ring.push({i + 2, 20}, payload));
  }
}

TEST(ByteRing, CarriesEverythingBetweenTwoThreadsInOrder) {
  ByteRing<Header> ring(4'096);
  constexpr std::uint32_t kCount = 200'000;
  std::thread producer([&] {
    ByteBuffer payload(200);
    for (std::uint32_t i = 0; i < kCount; ++i) {
      const auto size = static_cast<std::uint16_t>(i % 200);
      for (std::size_t k = 0; k < size; ++k) payload[k] = static_cast<std::uint8_t>(i + k);
      while (!ring.push({i, size}, Bytes(payload).first(size))) std::this_thread::yield();
    }
  });
  Header header;
  std::uint8_t out[256];
  bool right = true;
  for (std::uint32_t i = 0; i < kCount;) {
    if (!ring.peek(header)) {
      std::this_thread::yield();
      continue;
    }
    ring.pop(header, out);
    right &= header.number == i && header.size == i % 200;
    for (std::size_t k = 0; k < header.size; ++k) right &= out[k] == static_cast<std::uint8_t>(i + k);
    ++i;
  }
  producer.join();
  EXPECT_TRUE(right);
}

}  // namespace
}  // namespace parley
