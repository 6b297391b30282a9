// Tracks as the recorder writes them, from sound, and read back.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <span>
#include <vector>

#include "pipelines/recorder/flac_output.hpp"
#include "pipelines/recorder/opus_output.hpp"
#include "pipelines/recorder/track_reader.hpp"
#include "tests/support/opus_source.hpp"
#include "tests/unit/pipelines/recorder/memory_file.hpp"

namespace parley::recorder {

inline ByteBuffer opus_track(std::span<const float> sound, double silence_before_s = 0,
                             const test::OpusSourceConfig& config = {}, const Tags& tags = {}) {
  MemoryFile file;
  OpusOutput output(file, 7, tags);
  output.fill(static_cast<std::uint64_t>(silence_before_s * 48'000));
  for (const auto& packet : test::opus_packets(sound, config)) output.add(packet.packet.data());
  output.finish();
  return file.bytes;
}
inline ByteBuffer flac_track(std::span<const float> sound, double silence_before_s = 0,
                             const Tags& tags = {}) {
  MemoryFile file;
  FlacOutput output(file, 7, Codec::pcmu, tags);
  output.fill(static_cast<std::uint64_t>(silence_before_s * 48'000));
  for (const auto& packet : test::g711_packets(sound, Codec::pcmu)) output.add(packet.packet.data());
  output.finish();
  return file.bytes;
}

// Gives `piece` bytes a time.
class MemorySource final : public ByteSource {
 public:
  explicit MemorySource(ByteBuffer bytes, std::size_t piece = 1'000)
      : bytes_(std::move(bytes)), piece_(piece) {}
  Result<std::size_t> read(std::span<std::uint8_t> into) override {
    const auto count = std::min({into.size(), piece_, bytes_.size() - at_});
    std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(at_), count, into.begin());
    at_ += count;
    return count;
  }

 private:
  const ByteBuffer bytes_;
  const std::size_t piece_;
  std::size_t at_ = 0;
};

inline std::unique_ptr<TrackReader> reader_of(const ByteBuffer& file, std::size_t piece = 1'000) {
  auto reader = TrackReader::open(std::make_unique<MemorySource>(file, piece));
  EXPECT_TRUE(reader) << reader.error().what;
  return reader ? std::move(*reader) : nullptr;
}
inline std::vector<float> read_all(TrackReader& reader) {
  std::vector<float> out, piece(1'234);
  for (;;) {
    const auto got = reader.read(piece);
    if (!got) ADD_FAILURE() << got.error().what;
    out.insert(out.end(), piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(got ? *got : 0));
    if (!got || *got < piece.size()) return out;
  }
}

}  // namespace parley::recorder
