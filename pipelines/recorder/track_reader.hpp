// A track or a mixdown read back as sound: mono float at 48 kHz, from the recording's beginning on. Reads
// front to back and holds about one page, however long the recording is.
//
// Files may end anywhere and may be damaged: a page that does not check is skipped, and what it held is
// silence, so that the rest keeps its place. Threads: one owner.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "pipelines/recorder/byte_source.hpp"
#include "transport/base/result.hpp"

namespace parley::recorder {

class TrackReader {
 public:
  // Ogg Opus (RFC 7845; one stream of one or two channels) or Ogg FLAC at 8 kHz. Error: it is neither.
  static Result<std::unique_ptr<TrackReader>> open(std::unique_ptr<ByteSource> source);
  virtual ~TrackReader() = default;

  // Fills `out`, less at the end only. Error: the source cannot be read any further.
  virtual Result<std::size_t> read(std::span<float> out) = 0;
  virtual std::uint64_t damaged() const = 0;  // pieces that were skipped
};

}  // namespace parley::recorder
