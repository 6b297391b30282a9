#include "pipelines/media/range_decoder.hpp"

#include <algorithm>
#include <bit>

namespace parley::media {

namespace {

constexpr std::uint32_t kBottom = 1U << 23;
constexpr std::uint32_t kTotal = 1U << 15;  // of a Laplace distribution
// Section 4.3.2.1: every value keeps a probability of at least 1/32768, and so do the first 16 on both sides.
constexpr std::uint32_t kLeast = 1;
constexpr std::uint32_t kAlwaysPossible = 16;

}  // namespace

RangeDecoder::RangeDecoder(Bytes frame) : frame_(frame) {
  carried_ = next_byte();
  value_ = 127 - (carried_ >> 1);
  normalize();
}

std::uint32_t RangeDecoder::next_byte() {
  return at_ < frame_.size() ? frame_[at_++] : 0U;
}

void RangeDecoder::normalize() {
  while (range_ <= kBottom) {
    bits_used_ += 8;
    range_ <<= 8;
    const std::uint32_t joined = carried_ << 8;
    carried_ = next_byte();
    const std::uint32_t byte = (joined | carried_) >> 1 & 0xffU;
    value_ = ((value_ << 8) + (255U - byte)) & 0x7fff'ffffU;
  }
}

int RangeDecoder::tell() const {
  return bits_used_ - static_cast<int>(std::bit_width(range_));
}

bool RangeDecoder::bit(int log_odds) {
  const std::uint32_t one = range_ >> log_odds;
  const bool set = value_ < one;
  if (!set) value_ -= one;
  range_ = set ? one : range_ - one;
  normalize();
  return set;
}

int RangeDecoder::symbol(const std::uint8_t* inverse_cdf, int total_bits) {
  const std::uint32_t part = range_ >> total_bits;
  std::uint32_t above = range_;
  std::uint32_t below = part * inverse_cdf[0];
  int result = 0;
  while (value_ < below) {
    above = below;
    below = part * inverse_cdf[++result];
  }
  value_ -= below;
  range_ = above - below;
  normalize();
  return result;
}

std::uint32_t RangeDecoder::position(std::uint32_t total) {
  unit_ = range_ / total;
  return total - std::min(value_ / unit_ + 1, total);
}

void RangeDecoder::consume(std::uint32_t low, std::uint32_t high, std::uint32_t total) {
  const std::uint32_t above = unit_ * (total - high);
  value_ -= above;
  range_ = low > 0 ? unit_ * (high - low) : range_ - above;
  normalize();
}

std::uint32_t RangeDecoder::uniform(std::uint32_t count) {
  const std::uint32_t value = position(count);
  consume(value, value + 1, count);
  return value;
}

std::uint32_t RangeDecoder::raw(int bits) {
  std::uint32_t value = 0;
  for (int i = 0; i < bits; ++i, ++raw_used_) {
    const std::size_t back = raw_used_ / 8 + 1;
    const std::uint32_t byte = back <= frame_.size() ? frame_[frame_.size() - back] : 0U;
    value |= (byte >> raw_used_ % 8 & 1U) << i;
  }
  bits_used_ += bits;
  return value;
}

int RangeDecoder::laplace(std::uint32_t zero, std::uint32_t decay) {
  const std::uint32_t at = position(kTotal);
  if (at < zero) {
    consume(0, zero, kTotal);
    return 0;
  }
  // Magnitude by magnitude, each once for either sign: the negative value comes first.
  std::uint32_t low = zero;
  std::uint32_t width =
      ((kTotal - 2 * kLeast * kAlwaysPossible - zero) * (kTotal / 2 - decay) >> 15) + kLeast;
  int magnitude = 1;
  while (width > kLeast && at >= low + 2 * width) {
    low += 2 * width;
    width = ((2 * width - 2 * kLeast) * decay >> 15) + kLeast;
    ++magnitude;
  }
  if (width <= kLeast) {
    const std::uint32_t further = (at - low) / (2 * kLeast);
    magnitude += static_cast<int>(further);
    low += 2 * further * kLeast;
  }
  const bool negative = at < low + width;
  if (!negative) low += width;
  consume(low, std::min(low + width, kTotal), kTotal);
  return negative ? -magnitude : magnitude;
}

}  // namespace parley::media
