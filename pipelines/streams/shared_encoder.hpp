// One encode of a room's mix for all endpoints that want the same format and bitrate.
//
// Threads: one owner; the work is done on GStreamer's thread in between, nothing here waits for it.
#pragma once

#include <memory>
#include <optional>
#include <span>

#include "pipelines/streams/chunk.hpp"
#include "pipelines/streams/target.hpp"
#include "transport/base/result.hpp"

namespace parley::streams {

class SharedEncoder {
 public:
  static Result<std::unique_ptr<SharedEncoder>> open(const Coding& coding);
  ~SharedEncoder();
  SharedEncoder(const SharedEncoder&) = delete;
  SharedEncoder& operator=(const SharedEncoder&) = delete;

  void push(Duration position, std::span<const float> pcm);  // mono, 48 kHz
  Chunk pull();                                              // empty: nothing ready
  void finish();       // nothing comes any more: gives up what it holds back
  bool ended() const;  // and all of that has been pulled
  std::optional<Error> failure();
  std::uint64_t pushed() const;  // ticks that were encoded

 private:
  class Impl;
  explicit SharedEncoder(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace parley::streams
