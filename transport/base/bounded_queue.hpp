// A bounded queue between threads: any number of producers and consumers, no lock, never grows, never blocks.
// A full queue refuses: the caller counts a dropped packet or refuses the request.
// (The sequence-per-cell ring published by Dmitry Vyukov.)
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <memory>
#include <utility>

#include "transport/base/check.hpp"

namespace parley {

template <typename T>
class BoundedQueue {
 public:
  // `capacity` is rounded up to a power of two.
  explicit BoundedQueue(std::size_t capacity)
      : mask_(std::bit_ceil(capacity < 2 ? std::size_t{2} : capacity) - 1), cells_(new Cell[mask_ + 1]) {
    for (std::size_t i = 0; i <= mask_; ++i) cells_[i].turn.store(i, std::memory_order_relaxed);
  }
  BoundedQueue(const BoundedQueue&) = delete;
  BoundedQueue& operator=(const BoundedQueue&) = delete;

  // Fills the free cell in place: `fill(T&)` runs on the caller's thread. False when full (fill does not
  // run).
  template <typename Fill>
  bool push_with(Fill&& fill) {
    std::size_t at = tail_.load(std::memory_order_relaxed);
    for (;;) {
      Cell& cell = cells_[at & mask_];
      const auto lag = static_cast<std::ptrdiff_t>(cell.turn.load(std::memory_order_acquire) - at);
      if (lag == 0) {
        if (!tail_.compare_exchange_weak(at, at + 1, std::memory_order_relaxed)) continue;
        fill(cell.value);
        cell.turn.store(at + 1, std::memory_order_release);
        return true;
      }
      if (lag < 0) return false;
      at = tail_.load(std::memory_order_relaxed);
    }
  }
  bool push(T value) {
    return push_with([&](T& cell) { cell = std::move(value); });
  }

  // Lends the oldest cell to `use(T&)`. False when empty.
  template <typename Use>
  bool pop_with(Use&& use) {
    std::size_t at = head_.load(std::memory_order_relaxed);
    for (;;) {
      Cell& cell = cells_[at & mask_];
      const auto lag = static_cast<std::ptrdiff_t>(cell.turn.load(std::memory_order_acquire) - (at + 1));
      if (lag == 0) {
        if (!head_.compare_exchange_weak(at, at + 1, std::memory_order_relaxed)) continue;
        use(cell.value);
        cell.turn.store(at + mask_ + 1, std::memory_order_release);
        return true;
      }
      if (lag < 0) return false;
      at = head_.load(std::memory_order_relaxed);
    }
  }
  bool pop(T& out) {
    return pop_with([&](T& cell) { out = std::move(cell); });
  }

  std::size_t capacity() const { return mask_ + 1; }

 private:
  struct Cell {
    std::atomic<std::size_t> turn;
    T value{};
  };
  const std::size_t mask_;
  std::unique_ptr<Cell[]> cells_;
  alignas(64) std::atomic<std::size_t> tail_{0};
  alignas(64) std::atomic<std::size_t> head_{0};
};

}  // namespace parley
