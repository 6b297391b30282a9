// Rate limit of plain STUN Binding requests per source address: the answer is longer than the shortest
// request (its ratio of about 1.6 is accepted), so nobody may use us to shout at a third party.
//
// A fixed table: memory does not grow with the number of (forged) addresses. Two addresses that share a cell
// share its allowance, which only makes the limit stricter.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>

#include "transport/base/address.hpp"
#include "transport/base/time.hpp"

namespace parley {

class BindingLimiter {
 public:
  static constexpr double kPerSecond = 20;
  static constexpr double kBurst = 40;

  bool admit(const IpAddress& ip, TimePoint at) {
    Cell& cell = cells_[std::hash<Address>{}(Address{ip, 0}) % cells_.size()];
    const double elapsed = cell.used ? to_seconds(at - cell.last) : 1e9;
    cell.tokens = std::min(kBurst, cell.tokens + elapsed * kPerSecond);
    cell.last = at;
    cell.used = true;
    if (cell.tokens < 1) return false;
    cell.tokens -= 1;
    return true;
  }

 private:
  struct Cell {
    TimePoint last{};
    double tokens = 0;
    bool used = false;
  };
  std::array<Cell, 1024> cells_{};
};

}  // namespace parley
