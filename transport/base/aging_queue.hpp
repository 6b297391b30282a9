// Packets of a call that wait for a stream connection (TCP) to take them. What has waited longer than kMaxAge
// is worthless to a listener and would only hold back what comes after it: it is dropped and counted, and so
// is the oldest when the queue is full.
//
// Pure. Threads: one owner. Cells keep their memory: nothing is allocated per packet once a call runs.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "transport/base/bytes.hpp"
#include "transport/base/time.hpp"

namespace parley {

class AgingQueue {
 public:
  static constexpr Duration kMaxAge = 200ms;
  // 200 ms of the shortest packets, and RTCP.
  static constexpr std::size_t kCapacity = 32;

  void push(TimePoint made, Bytes packet) {
    if (size_ == kCapacity) drop_oldest();
    Cell& cell = cells_[(first_ + size_) % kCapacity];
    cell.made = made;
    cell.packet.assign(packet.begin(), packet.end());
    ++size_;
  }

  // Takes the oldest packet that is not too old into `out`; false: there is none.
  bool pop(TimePoint at, std::vector<std::uint8_t>& out) {
    while (size_ > 0 && at - cells_[first_].made > kMaxAge) drop_oldest();
    if (size_ == 0) return false;
    out.swap(cells_[first_].packet);
    forget_first();
    return true;
  }

  void clear() { size_ = 0; }
  bool empty() const { return size_ == 0; }
  std::uint64_t dropped() const { return dropped_; }

 private:
  struct Cell {
    TimePoint made{};
    std::vector<std::uint8_t> packet;
  };
  void forget_first() {
    first_ = (first_ + 1) % kCapacity;
    --size_;
  }
  void drop_oldest() {
    forget_first();
    ++dropped_;
  }

  std::array<Cell, kCapacity> cells_;
  std::size_t first_ = 0, size_ = 0;
  std::uint64_t dropped_ = 0;
};

}  // namespace parley
