// Bounds-checked reading and writing of network-order (big endian) bytes.
//
// A ByteReader never reads past its span: the first read that does not fit makes it fail for good (ok() is
// false) and every read after that yields zero or an empty span, so a parser may read a whole structure and
// check once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace parley {

using Bytes = std::span<const std::uint8_t>;
using ByteBuffer = std::vector<std::uint8_t>;

inline Bytes as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
inline std::string_view as_text(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

class ByteReader {
 public:
  explicit ByteReader(Bytes data) : data_(data) {}

  bool ok() const { return ok_; }
  std::size_t remaining() const { return data_.size() - position_; }
  std::size_t position() const { return position_; }

  std::uint8_t u8() { return static_cast<std::uint8_t>(read(1)); }
  std::uint16_t u16() { return static_cast<std::uint16_t>(read(2)); }
  std::uint32_t u24() { return static_cast<std::uint32_t>(read(3)); }
  std::uint32_t u32() { return static_cast<std::uint32_t>(read(4)); }
  std::uint64_t u64() { return read(8); }

  Bytes take(std::size_t count) {
    if (!ok_ || count > remaining()) {
      ok_ = false;
      return {};
    }
    const Bytes part = data_.subspan(position_, count);
    position_ += count;
    return part;
  }
  Bytes rest() { return take(remaining()); }

 private:
  std::uint64_t read(std::size_t width) {
    std::uint64_t value = 0;
    for (const std::uint8_t byte : take(width)) value = (value << 8) | byte;
    return value;
  }

  Bytes data_;
  std::size_t position_ = 0;
  bool ok_ = true;
};

// Writes into a caller-owned span; a write that does not fit makes ok() false and writes nothing.
class ByteWriter {
 public:
  explicit ByteWriter(std::span<std::uint8_t> out) : out_(out) {}

  bool ok() const { return ok_; }
  std::size_t size() const { return position_; }
  Bytes written() const { return Bytes(out_.data(), position_); }

  void u8(std::uint8_t value) { write(value, 1); }
  void u16(std::uint16_t value) { write(value, 2); }
  void u24(std::uint32_t value) { write(value, 3); }
  void u32(std::uint32_t value) { write(value, 4); }
  void u64(std::uint64_t value) { write(value, 8); }

  void bytes(Bytes data) {
    if (!reserve(data.size()) || data.empty()) return;
    std::memcpy(out_.data() + position_, data.data(), data.size());
    position_ += data.size();
  }
  void zeros(std::size_t count) {
    if (!reserve(count) || count == 0) return;
    std::memset(out_.data() + position_, 0, count);
    position_ += count;
  }
  // Overwrites two bytes written before (a length known only at the end).
  void patch_u16(std::size_t at, std::uint16_t value) {
    if (at + 2 > position_) {
      ok_ = false;
      return;
    }
    out_[at] = static_cast<std::uint8_t>(value >> 8);
    out_[at + 1] = static_cast<std::uint8_t>(value);
  }

 private:
  bool reserve(std::size_t count) {
    if (!ok_ || count > out_.size() - position_) ok_ = false;
    return ok_;
  }
  void write(std::uint64_t value, std::size_t width) {
    if (!reserve(width)) return;
    for (std::size_t i = width; i-- > 0;) out_[position_++] = static_cast<std::uint8_t>(value >> (8 * i));
  }

  std::span<std::uint8_t> out_;
  std::size_t position_ = 0;
  bool ok_ = true;
};

}  // namespace parley
