#include "transport/base/bounded_queue.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <thread>
#include <vector>

namespace parley {
namespace {

TEST(BoundedQueue, CapacityIsAPowerOfTwo) {
  struct Case {
    std::size_t asked, given;
  };
  const Case cases[] = {{0, 2}, {1, 2}, {2, 2}, {3, 4}, {4, 4}, {5, 8}, {1000, 1024}};
  for (const Case& c : cases) EXPECT_EQ(BoundedQueue<int>(c.asked).capacity(), c.given) << c.asked;
}

TEST(BoundedQueue, FullRefusesAndEmptyGivesNothing) {
  BoundedQueue<int> queue(4);
  int value = -1;
  EXPECT_FALSE(queue.pop(value));
  for (int round = 0; round < 10; ++round) {  // over the end of the ring
    for (int i = 0; i < 4; ++i) EXPECT_TRUE(queue.push(i));
    EXPECT_FALSE(queue.push(99));
    bool filled = false;
    EXPECT_FALSE(queue.push_with([&](int&) { filled = true; }));
    EXPECT_FALSE(filled);
    for (int i = 0; i < 4; ++i) {
      ASSERT_TRUE(queue.pop(value));
      EXPECT_EQ(value, i);
    }
    EXPECT_FALSE(queue.pop(value));
    bool used = false;
    EXPECT_FALSE(queue.pop_with([&](int&) { used = true; }));
    EXPECT_FALSE(used);
  }
}

TEST(BoundedQueue, CellsAreFilledAndUsedInPlace) {
  BoundedQueue<std::vector<int>> queue(2);
  EXPECT_TRUE(queue.push_with([](std::vector<int>& cell) { cell.assign(100, 7); }));
  const int* data = nullptr;
  EXPECT_TRUE(queue.pop_with([&](std::vector<int>& cell) {
    data = cell.data();
    EXPECT_EQ(cell.size(), 100U);
  }));
  EXPECT_TRUE(queue.push({}));
  // One round later the same cell comes again, with the memory it had.
  EXPECT_TRUE(queue.push_with([&](std::vector<int>& cell) {
    EXPECT_EQ(cell.data(), data);
    cell.clear();
  }));
}

TEST(BoundedQueue, MovesWhatCannotBeCopied) {
  BoundedQueue<std::unique_ptr<int>> queue(2);
  EXPECT_TRUE(queue.push(std::make_unique<int>(5)));
  std::unique_ptr<int> value;
  EXPECT_TRUE(queue.pop(value));
  EXPECT_EQ(*value, 5);
}

TEST(BoundedQueue, TwoThreadsKeepTheOrder) {
  BoundedQueue<std::uint64_t> queue(64);
  constexpr std::uint64_t kCount = 200'000;
  std::thread producer([&] {
    for (std::uint64_t i = 0; i < kCount;) {
      if (queue.push(i)) {
        ++i;
      } else {
        std::this_thread::yield();
      }
    }
  });
  std::uint64_t expected = 0;
  while (expected < kCount) {
    std::uint64_t value = 0;
    if (queue.pop(value)) {
      ASSERT_EQ(value, expected);
      ++expected;
    } else {
      std::this_thread::yield();
    }
  }
  producer.join();
  std::uint64_t value = 0;
  EXPECT_FALSE(queue.pop(value));
}

TEST(BoundedQueue, ManyProducersAndConsumersLoseNothing) {
  struct Item {
    std::uint32_t producer = 0;
    std::uint32_t number = 0;
    std::vector<std::uint32_t> payload;  // plain memory: a race on the cell would show under TSan
  };
  BoundedQueue<Item> queue(32);
  constexpr std::uint32_t kProducers = 3, kConsumers = 2, kEach = 20'000;
  std::atomic<std::uint64_t> taken{0};
  std::atomic<std::uint64_t> wrong{0};
  std::atomic<std::uint64_t> sum{0};
  std::vector<std::thread> threads;
  for (std::uint32_t p = 0; p < kProducers; ++p) {
    threads.emplace_back([&, p] {
      for (std::uint32_t i = 0; i < kEach;) {
        const bool pushed = queue.push_with([&](Item& item) {
          item.producer = p;
          item.number = i;
          item.payload.assign(4, p ^ i);
        });
        if (pushed) {
          ++i;
        } else {
          std::this_thread::yield();
        }
      }
    });
  }
  for (std::uint32_t c = 0; c < kConsumers; ++c) {
    threads.emplace_back([&] {
      std::vector<std::int64_t> last(kProducers, -1);
      while (taken.load() < kProducers * kEach) {
        const bool popped = queue.pop_with([&](Item& item) {
          const bool right = item.payload == std::vector<std::uint32_t>(4, item.producer ^ item.number) &&
                             last[item.producer] < item.number;  // each producer's items in their order
          if (!right) ++wrong;
          last[item.producer] = item.number;
          sum += item.number;
          ++taken;
        });
        if (!popped) std::this_thread::yield();
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong.load(), 0U);
  EXPECT_EQ(taken.load(), kProducers * kEach);
  EXPECT_EQ(sum.load(), std::uint64_t{kProducers} * kEach * (kEach - 1) / 2);
}

}  // namespace
}  // namespace parley
