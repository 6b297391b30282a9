// A file of a recording, open for reading; it may still grow.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "transport/base/result.hpp"

namespace parley::recording {

class ReadFile {
 public:
  // `root` is trusted; `path` below it is followed without symbolic links.
  static std::shared_ptr<ReadFile> open(const std::string& root, const std::string& path);
  ~ReadFile();
  ReadFile(const ReadFile&) = delete;
  ReadFile& operator=(const ReadFile&) = delete;

  std::uint64_t size() const { return size_; }  // when it was opened
  // Up to `max` bytes; fewer at the end only. Nothing: the disk cannot read.
  std::optional<std::string> read(std::uint64_t at, std::size_t max) const;
  std::string crc32() const;  // of all of it, eight hexadecimal digits

 private:
  ReadFile(int fd, std::uint64_t size) : fd_(fd), size_(size) {}
  int fd_;
  std::uint64_t size_;
};

}  // namespace parley::recording
