// Where a track's bytes go: a file, in the server; memory, or something that fails on purpose, in tests.
#pragma once

#include <cstdint>

#include "transport/base/bytes.hpp"

namespace parley::recorder {

class ByteSink {
 public:
  virtual ~ByteSink() = default;
  // All of `data` behind what is there, or nothing: after a failure the file is as long as before.
  virtual bool append(Bytes data) noexcept = 0;
  // Overwrites bytes that are there.
  virtual bool rewrite(std::uint64_t at, Bytes data) noexcept = 0;
};

}  // namespace parley::recorder
