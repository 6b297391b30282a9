// Decoded samples that wait to be played, with the last 25 ms that were played still in front of them: seams
// and time-stretching need the past.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace parley::media {

class PcmFifo {
 public:
  explicit PcmFifo(std::size_t history) : history_(history) {}

  std::size_t size() const { return buffer_.size() - begin_; }
  bool empty() const { return size() == 0; }

  // Room for `count` samples at the end; shrink(n) takes back what was not used.
  std::span<float> extend(std::size_t count);
  void shrink(std::size_t count) { buffer_.resize(buffer_.size() - count); }

  std::span<float> waiting() { return std::span(buffer_).subspan(begin_); }
  // The samples played last (at most the history's length) followed by those waiting.
  std::span<float> all() { return buffer_; }
  std::span<const float> played() const { return std::span(buffer_).first(begin_); }

  void pop(std::span<float> out);                    // the first out.size() samples are now played
  void drop(std::size_t offset, std::size_t count);  // removes waiting samples [offset, offset + count)
  std::span<float> insert(std::size_t offset, std::size_t count);  // opens a hole of waiting samples
  void clear_waiting() { buffer_.resize(begin_); }
  void replace_played(std::span<const float> samples);  // silence or comfort noise went out instead
  void release();
  std::size_t memory() const { return buffer_.capacity() * sizeof(float); }

 private:
  void trim();

  std::size_t history_;
  std::size_t begin_ = 0;
  std::vector<float> buffer_;
};

}  // namespace parley::media
