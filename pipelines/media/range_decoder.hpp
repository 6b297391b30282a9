// The range decoder of Opus (RFC 6716 section 4.1): as much of it as reading the head of a CELT frame needs.
#pragma once

#include <cstdint>

#include "transport/base/bytes.hpp"

namespace parley::media {

class RangeDecoder {
 public:
  explicit RangeDecoder(Bytes frame);

  // Bits used so far, rounded up (section 4.1.6.1).
  int tell() const;
  int bits_left() const { return static_cast<int>(8 * frame_.size()) - tell(); }

  // A bit that is 1 with probability 2^-log_odds (section 4.1.3.2).
  bool bit(int log_odds);
  // A symbol of an inverse cumulative distribution of total 2^total_bits that ends with 0 (section 4.1.3.3).
  int symbol(const std::uint8_t* inverse_cdf, int total_bits);
  // One of `count` (at most 256) equally likely values (section 4.1.5).
  std::uint32_t uniform(std::uint32_t count);
  // At most 16 bits that are packed raw at the end of the frame (section 4.1.4).
  std::uint32_t raw(int bits);
  // A value of the two-sided geometric distribution of section 4.3.2.1; both parameters of 32768: the
  // probability of zero, and twice the ratio of one magnitude's probability to the one before.
  int laplace(std::uint32_t zero, std::uint32_t decay);

 private:
  std::uint32_t next_byte();
  void normalize();
  std::uint32_t position(std::uint32_t total);  // within the total, of the symbol to come (section 4.1.2)
  void consume(std::uint32_t low, std::uint32_t high, std::uint32_t total);

  Bytes frame_;
  std::size_t at_ = 0;
  std::uint32_t range_ = 128;
  std::uint32_t value_ = 0;
  std::uint32_t carried_ = 0;  // the byte of which one bit is still to be used
  std::uint32_t unit_ = 0;     // range of one part of the total
  int bits_used_ = 9;
  std::size_t raw_used_ = 0;
};

}  // namespace parley::media
