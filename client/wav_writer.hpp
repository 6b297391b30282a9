// A WAV file (RIFF, 48 kHz, mono, 16 bit) that is readable at every moment: the header's sizes are refreshed
// every second of sound, so that a killed client leaves a file without its last second, not a broken one.
//
// Threads: one owner.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "transport/base/result.hpp"

namespace parley::client {

class WavWriter {
 public:
  static constexpr std::uint32_t kRate = 48'000;
  static constexpr std::size_t kHeaderSize = 44;
  // RIFF sizes are 32 bits: 12.4 hours.
  static constexpr std::uint64_t kMaxSamples = (0xffffffffULL - kHeaderSize) / 2;

  // An existing file is overwritten.
  static Result<std::unique_ptr<WavWriter>> create(const std::string& path);
  ~WavWriter();
  WavWriter(const WavWriter&) = delete;
  WavWriter& operator=(const WavWriter&) = delete;

  // Samples beyond [-1, 1] are clipped. Fails when the disk or the format is full.
  Status write(std::span<const float> pcm);
  Status finish();  // the header tells all that was written
  std::uint64_t samples() const { return samples_; }

 private:
  WavWriter(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}
  Status write_header();
  Error failed(const char* what) const;

  int fd_;
  std::string path_;
  std::uint64_t samples_ = 0;
  std::uint64_t announced_ = 0;  // samples_ as the header tells it
  std::vector<std::uint8_t> scratch_;
};

}  // namespace parley::client
