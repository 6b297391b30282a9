// What a track is written into. Positions and lengths count 48 kHz samples since the recording began,
// whatever the codec.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "transport/base/bytes.hpp"

namespace parley::recorder {

using Tags = std::vector<std::pair<std::string, std::string>>;  // NAME=value, as Vorbis comments

class TrackOutput {
 public:
  virtual ~TrackOutput() = default;

  // The length of this payload, 0 when it is not one.
  virtual std::uint32_t samples_of(Bytes payload) const = 0;
  // Nothing can be heard in it, as far as its bytes tell.
  virtual bool is_pause(Bytes payload) const = 0;

  virtual void add(Bytes payload) = 0;
  // Silence, or concealment of what is lost, of about `samples`: what remains is less than the codec's finest
  // step.
  virtual void fill(std::uint64_t samples) = 0;
  // The end of what has been added. It falls back when the disk has refused a page.
  virtual std::uint64_t position() const = 0;

  // Hands what is waiting to the sink. False: it was refused and is lost, the position has fallen back.
  virtual bool flush() = 0;
  // The end of the file; nothing is added afterwards.
  virtual bool finish() = 0;
  virtual std::uint64_t bytes() const = 0;
  virtual bool begun() const = 0;  // the file has its headers
};

}  // namespace parley::recorder
