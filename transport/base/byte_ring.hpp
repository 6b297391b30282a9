// From a media thread to one that may stall: records of a fixed header and a payload of any length, in one
// ring of bytes, so that seconds of packets fit. One producer, one consumer, no lock; a full ring refuses.
// A header has a member `size`: the bytes of its payload.
#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstdint>
#include <cstring>
#include <memory>
#include <type_traits>

#include "transport/base/bytes.hpp"

namespace parley {

template <typename Header>
class ByteRing {
  static_assert(std::is_trivially_copyable_v<Header>);

 public:
  explicit ByteRing(std::size_t bytes)
      : mask_(std::bit_ceil(bytes) - 1), bytes_(std::make_unique_for_overwrite<std::uint8_t[]>(mask_ + 1)) {}

  // Producer. header.size must be payload.size().
  bool push(const Header& header, Bytes payload) {
    const auto tail = tail_.load(std::memory_order_relaxed);
    const auto need = sizeof(Header) + payload.size();
    if (mask_ + 1 - (tail - head_.load(std::memory_order_acquire)) < need) return false;
    write(tail, {reinterpret_cast<const std::uint8_t*>(&header), sizeof(Header)});
    write(tail + sizeof(Header), payload);
    tail_.store(tail + need, std::memory_order_release);
    return true;
  }

  // Consumer. Shows the oldest header without taking it; false when empty.
  bool peek(Header& header) const {
    const auto head = head_.load(std::memory_order_relaxed);
    if (head == tail_.load(std::memory_order_acquire)) return false;
    read(head, reinterpret_cast<std::uint8_t*>(&header), sizeof(Header));
    return true;
  }
  // Takes what peek() has shown; `out` has room for header.size bytes, or is null.
  void pop(const Header& header, std::uint8_t* out) {
    const auto head = head_.load(std::memory_order_relaxed);
    if (out != nullptr) read(head + sizeof(Header), out, header.size);
    head_.store(head + sizeof(Header) + header.size, std::memory_order_release);
  }

 private:
  void write(std::uint64_t at, Bytes data) {
    const auto begin = static_cast<std::size_t>(at & mask_);
    const auto first = std::min(data.size(), mask_ + 1 - begin);
    if (first > 0) std::memcpy(bytes_.get() + begin, data.data(), first);
    if (data.size() > first) std::memcpy(bytes_.get(), data.data() + first, data.size() - first);
  }
  void read(std::uint64_t at, std::uint8_t* out, std::size_t size) const {
    const auto begin = static_cast<std::size_t>(at & mask_);
    const auto first = std::min(size, mask_ + 1 - begin);
    if (first > 0) std::memcpy(out, bytes_.get() + begin, first);
    if (size > first) std::memcpy(out + first, bytes_.get(), size - first);
  }

  const std::size_t mask_;
  std::unique_ptr<std::uint8_t[]> bytes_;
  alignas(64) std::atomic<std::uint64_t> tail_{0};
  alignas(64) std::atomic<std::uint64_t> head_{0};
};

}  // namespace parley
