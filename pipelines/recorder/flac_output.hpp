// An Ogg FLAC file of a G.711 leg: what was heard, without loss, at 8 kHz
// (https://xiph.org/flac/ogg_mapping.html). FLAC is written here because the stock encoder wants a thread and
// a pipeline of its own for each track; of the format's choices this uses the fixed linear predictors and one
// Rice parameter for each block.
#pragma once

#include <cstdint>

#include "pipelines/recorder/byte_sink.hpp"
#include "pipelines/recorder/ogg_page.hpp"
#include "pipelines/recorder/track_output.hpp"
#include "transport/base/media_packet.hpp"

namespace parley::recorder {

class FlacOutput final : public TrackOutput {
 public:
  static constexpr std::size_t kBlock = 800;  // samples: 100 ms

  FlacOutput(ByteSink& sink, std::uint32_t serial, Codec codec, Tags tags);

  std::uint32_t samples_of(Bytes payload) const override;
  bool is_pause(Bytes) const override { return false; }
  void add(Bytes payload) override;
  void fill(std::uint64_t samples) override;
  std::uint64_t position() const override { return (committed_ + block_.size()) * 6; }
  bool flush() override { return !failed_; }  // only whole blocks can be written before the end
  bool finish() override;
  std::uint64_t bytes() const override { return bytes_; }
  bool begun() const override { return begun_; }

 private:
  void put(std::int16_t sample);
  bool begin();
  bool write_block(std::uint8_t flags);
  bool write(const OggPage& page, std::uint64_t granule, std::uint8_t flags);

  ByteSink& sink_;
  const std::uint32_t serial_;
  const Codec codec_;
  const Tags tags_;
  std::vector<std::int16_t> block_;
  std::uint64_t committed_ = 0;  // 8 kHz samples
  std::uint64_t bytes_ = 0;
  std::uint32_t sequence_ = 0;
  bool begun_ = false, failed_ = false;
};

// One FLAC frame of 16-bit mono at 8 kHz. `first`: the number of its first sample.
ByteBuffer flac_frame(std::uint64_t first, const std::vector<std::int16_t>& samples);

}  // namespace parley::recorder
