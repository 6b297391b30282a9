// Reads an audio file, or a URL (https://, rtsp://, srt:// ...), of any kind GStreamer can decode (any rate,
// any number of channels) as mono float at 48 kHz. It streams: memory does not grow with the file.
//
// Threads: one owner at a time; read() waits for GStreamer's decoding thread, which runs ahead, at most
// kMaxWait.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "transport/base/result.hpp"
#include "transport/base/time.hpp"

namespace parley::device {

class FileDecoder {
 public:
  static constexpr Duration kMaxWait = 200ms;

  // Fails when the file cannot be read, holds no audio, or needs a decoder that is not installed. A path with
  // "://" in it is a URL.
  static Result<std::unique_ptr<FileDecoder>> open(const std::string& path, bool loop);
  ~FileDecoder();
  FileDecoder(const FileDecoder&) = delete;
  FileDecoder& operator=(const FileDecoder&) = delete;

  // Fills `out` as far as there is sound; returns how many samples were written. Fewer than asked for: the
  // end of the file (never with `loop`), or a decoder that is late or broken.
  std::size_t read(std::span<float> out, Duration wait = kMaxWait);
  bool ended() const;
  std::optional<Duration> duration() const;  // none: not known, or endless

 private:
  class Impl;
  explicit FileDecoder(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// The whole file at once, at most `max_seconds` of it.
Result<std::vector<float>> load_audio_file(const std::string& path, double max_seconds);

}  // namespace parley::device
