#include "pipelines/media/pcm_fifo.hpp"

#include <algorithm>

#include "transport/base/check.hpp"

namespace parley::media {

std::span<float> PcmFifo::extend(std::size_t count) {
  buffer_.resize(buffer_.size() + count);
  return std::span(buffer_).last(count);
}

void PcmFifo::pop(std::span<float> out) {
  PARLEY_ASSERT(out.size() <= size());
  std::copy_n(buffer_.begin() + static_cast<std::ptrdiff_t>(begin_), out.size(), out.begin());
  begin_ += out.size();
  trim();
}

void PcmFifo::drop(std::size_t offset, std::size_t count) {
  PARLEY_ASSERT(offset + count <= size());
  const auto from = buffer_.begin() + static_cast<std::ptrdiff_t>(begin_ + offset);
  buffer_.erase(from, from + static_cast<std::ptrdiff_t>(count));
}

std::span<float> PcmFifo::insert(std::size_t offset, std::size_t count) {
  PARLEY_ASSERT(offset <= size());
  buffer_.insert(buffer_.begin() + static_cast<std::ptrdiff_t>(begin_ + offset), count, 0.0F);
  return waiting().subspan(offset, count);
}

void PcmFifo::replace_played(std::span<const float> samples) {
  buffer_.insert(buffer_.begin() + static_cast<std::ptrdiff_t>(begin_), samples.begin(), samples.end());
  begin_ += samples.size();
  trim();
}

void PcmFifo::trim() {
  if (begin_ <= history_) return;
  buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(begin_ - history_));
  begin_ = history_;
}

void PcmFifo::release() {
  std::vector<float>().swap(buffer_);
  begin_ = 0;
}

}  // namespace parley::media
