// Several files as one zip archive (PKWARE APPNOTE 6.3.9), made while it is sent: stored, not compressed
// (sound is), each with a data descriptor, because a checksum is known only behind its data.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mcu/recording/read_file.hpp"

namespace parley::recording {

class ZipStream {
 public:
  struct Entry {
    std::string name;  // as it stands in the archive
    std::shared_ptr<ReadFile> file;
  };
  // Nothing when it would not fit the format without its 64-bit extension (4 GB).
  static std::unique_ptr<ZipStream> make(std::vector<Entry> entries);

  std::uint64_t size() const { return size_; }
  // The next part, about `max` bytes; empty at the end. Nothing: a file cannot be read.
  std::optional<std::string> next(std::size_t max);

 private:
  explicit ZipStream(std::vector<Entry> entries);
  std::string local_header(const Entry& entry) const;
  std::string directory() const;

  struct Done {
    std::uint64_t offset = 0;
    std::uint32_t crc = 0;
  };
  std::vector<Entry> entries_;
  std::vector<Done> done_;
  std::uint64_t size_ = 0, sent_ = 0, at_ = 0;
  std::size_t current_ = 0;
  bool open_ = false, finished_ = false;
};

}  // namespace parley::recording
