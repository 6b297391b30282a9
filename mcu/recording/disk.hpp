// What recording asks of a file system. The server has PosixDisk; tests have disks that are full, slow or
// gone. Threads: one (`disk`). May block. Paths are relative to the recordings' root and made of ids only.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "pipelines/recorder/byte_sink.hpp"
#include "transport/base/result.hpp"

namespace parley::recording {

class Disk {
 public:
  virtual ~Disk() = default;
  // The file is made at its first append, with the folders above it.
  virtual std::unique_ptr<recorder::ByteSink> file(const std::string& path) = 0;
  // The file has the old text or the new one, also after a crash.
  virtual Status replace(const std::string& path, const std::string& text) = 0;
  // Everything that was written survives a power cut from here on.
  virtual Status sync() = 0;
  virtual std::uint64_t free_bytes() = 0;
  // Why something was refused last, in the system's words; empty: nothing was.
  virtual std::string cause() const = 0;
};

class PosixDisk final : public Disk {
 public:
  explicit PosixDisk(std::string root) : root_(std::move(root)) {}
  ~PosixDisk() override;
  std::unique_ptr<recorder::ByteSink> file(const std::string& path) override;
  Status replace(const std::string& path, const std::string& text) override;
  Status sync() override;
  std::uint64_t free_bytes() override;
  std::string cause() const override;

 private:
  int root_fd();
  Error failed(const std::string& what);  // by errno
  std::string root_;
  int fd_ = -1;
  int error_ = 0;  // errno of the last refusal; files write it too, so they go before the disk
};

}  // namespace parley::recording
