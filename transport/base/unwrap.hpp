// Unwrapping of wrapping counters: RTP sequence numbers (16 bit) and timestamps (32 bit) become 64-bit values
// that only wrap after the sun has gone out. Order of arrival is free: a step of less than half the range is
// taken as is.
#pragma once

#include <concepts>
#include <cstdint>
#include <type_traits>

namespace parley {

template <std::unsigned_integral T>
class Unwrapper {
 public:
  std::int64_t unwrap(T value) {
    if (!started_) {
      started_ = true;
      last_ = value;
      return last_;
    }
    last_ += distance(static_cast<T>(last_), value);
    return last_;
  }
  // The value unwrap() would give, without taking it as the newest.
  std::int64_t peek(T value) const {
    return started_ ? last_ + distance(static_cast<T>(last_), value) : value;
  }
  void reset() { started_ = false; }

 private:
  static std::int64_t distance(T from, T to) {
    return static_cast<std::make_signed_t<T>>(static_cast<T>(to - from));
  }
  std::int64_t last_ = 0;
  bool started_ = false;
};

using SequenceUnwrapper = Unwrapper<std::uint16_t>;
using TimestampUnwrapper = Unwrapper<std::uint32_t>;

}  // namespace parley
