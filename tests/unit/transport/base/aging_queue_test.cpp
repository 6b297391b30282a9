#include "transport/base/aging_queue.hpp"

#include <gtest/gtest.h>

namespace parley {
namespace {

const TimePoint kStart{1000s};

std::string take(AgingQueue& queue, TimePoint at) {
  std::vector<std::uint8_t> out;
  return queue.pop(at, out) ? std::string(as_text(out)) : "-";
}

TEST(AgingQueue, GivesThePacketsInOrder) {
  AgingQueue queue;
  for (const char* text : {"a", "b", "c"}) queue.push(kStart, as_bytes(text));
  EXPECT_EQ(take(queue, kStart), "a");
  EXPECT_EQ(take(queue, kStart), "b");
  EXPECT_EQ(take(queue, kStart), "c");
  EXPECT_EQ(take(queue, kStart), "-");
  EXPECT_EQ(queue.dropped(), 0U);
}

TEST(AgingQueue, DropsWhatHasWaitedTooLong) {
  AgingQueue queue;
  for (int i = 0; i < 10; ++i)
    queue.push(kStart + i * 20ms, as_bytes(std::string(1, static_cast<char>('a' + i))));
  EXPECT_EQ(take(queue, kStart + 200ms), "a") << "as old as it may be";
  EXPECT_EQ(take(queue, kStart + 261ms), "e");
  EXPECT_EQ(queue.dropped(), 3U);
  EXPECT_EQ(take(queue, kStart + 1s), "-");
  EXPECT_EQ(queue.dropped(), 8U);
  EXPECT_TRUE(queue.empty());
}

TEST(AgingQueue, NeverHoldsMoreThanItMay) {
  AgingQueue queue;
  for (int i = 0; i < 1000; ++i) queue.push(kStart, as_bytes(std::to_string(i)));
  EXPECT_EQ(queue.dropped(), 1000 - AgingQueue::kCapacity);
  EXPECT_EQ(take(queue, kStart), std::to_string(1000 - AgingQueue::kCapacity)) << "the oldest went";
}

}  // namespace
}  // namespace parley
