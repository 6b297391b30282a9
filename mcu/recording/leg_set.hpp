// Which legs are recorded: written by one thread (ctl), asked by others for every packet, so without a lock.
// Open addressing with a bounded search: a set that is too full refuses.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>

#include "transport/base/ids.hpp"

namespace parley::recording {

class LegSet {
 public:
  bool add(LegId leg) {
    if (contains(leg)) return true;
    for (std::size_t i = 0; i < kSearch; ++i) {
      auto& cell = at(leg, i);
      const auto held = cell.load(std::memory_order_relaxed);
      if (held != kFree && held != kLeft) continue;
      cell.store(raw(leg), std::memory_order_release);
      return true;
    }
    return false;
  }
  void remove(LegId leg) {
    for (std::size_t i = 0; i < kSearch; ++i) {
      if (at(leg, i).load(std::memory_order_relaxed) == raw(leg))
        at(leg, i).store(kLeft, std::memory_order_release);
    }
  }
  bool contains(LegId leg) const {
    for (std::size_t i = 0; i < kSearch; ++i) {
      const auto held = at(leg, i).load(std::memory_order_acquire);
      if (held == raw(leg)) return true;
      if (held == kFree) return false;
    }
    return false;
  }

 private:
  static constexpr std::size_t kCells = 1U << 14U, kSearch = 64;
  static constexpr std::uint32_t kFree = 0, kLeft = 0xffff'ffffU;
  using Cells = std::array<std::atomic<std::uint32_t>, kCells>;

  std::atomic<std::uint32_t>& at(LegId leg, std::size_t i) const {
    return (*cells_)[(raw(leg) + i) % kCells];
  }

  std::unique_ptr<Cells> cells_ = std::make_unique<Cells>();
};

}  // namespace parley::recording
