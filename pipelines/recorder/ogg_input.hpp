// Ogg pages out of a ByteSource, one after the other.
#pragma once

#include <memory>

#include "pipelines/recorder/byte_source.hpp"
#include "pipelines/recorder/ogg_scan.hpp"

namespace parley::recorder {

class OggInput {
 public:
  explicit OggInput(std::unique_ptr<ByteSource> source) : source_(std::move(source)) {}

  // The next good page; what is between is skipped. Its packets are valid until the next call. False: the
  // end.
  Result<bool> next(OggPageView& page);
  std::uint64_t skipped() const { return skipped_; }  // times that something was

 private:
  Result<bool> fill();

  std::unique_ptr<ByteSource> source_;
  ByteBuffer buffer_;
  std::size_t at_ = 0;
  bool ended_ = false;
  std::uint64_t skipped_ = 0;
};

}  // namespace parley::recorder
