// Where a track that is read back comes from: a file, a server, or memory in tests.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "transport/base/result.hpp"

namespace parley::recorder {

class ByteSource {
 public:
  virtual ~ByteSource() = default;
  // The next bytes, front to back; may wait for them. 0: the end. Error: it cannot be read.
  virtual Result<std::size_t> read(std::span<std::uint8_t> into) = 0;
};

Result<std::unique_ptr<ByteSource>> open_file(const std::string& path);

}  // namespace parley::recorder
