// A sound file written piece by piece, mono at 48 kHz: Ogg Opus, WAV (16 bit), FLAC, or AAC in MP4.
//
// The file has its name only when it is complete; until then it ends in ".part". Threads: one owner;
// GStreamer has one of its own in it. write() waits while the encoder is busy, so nothing piles up.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "transport/base/result.hpp"

namespace parley::remix {

enum class FileFormat : std::uint8_t { opus, wav, flac, m4a };
// "opus", "wav", "flac", "m4a"; nothing: none of them.
std::optional<FileFormat> format_named(std::string_view name);

class FileEncoder {
 public:
  // Error: the encoder is not installed (it names the package), or the file cannot be written.
  static Result<std::unique_ptr<FileEncoder>> open(const std::string& path, FileFormat format,
                                                   const std::string& title);
  ~FileEncoder();  // what is not finished is deleted
  FileEncoder(const FileEncoder&) = delete;
  FileEncoder& operator=(const FileEncoder&) = delete;

  Status write(std::span<const float> pcm);
  Status finish();

 private:
  class Impl;
  explicit FileEncoder(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace parley::remix
