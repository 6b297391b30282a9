// An Ogg Opus file (RFC 7845) made of packets as they came. Silence and losses are real packets, because
// players ignore gaps in time: a packet of one byte, the TOC of the last one with one frame of no bytes,
// makes a decoder conceal exactly as a live one does.
#pragma once

#include <cstdint>

#include "pipelines/recorder/byte_sink.hpp"
#include "pipelines/recorder/ogg_page.hpp"
#include "pipelines/recorder/track_output.hpp"

namespace parley::recorder {

class OpusOutput final : public TrackOutput {
 public:
  static constexpr std::uint32_t kPageSamples = 4'800;  // 100 ms: what a crash can cost
  static constexpr std::uint16_t kPreSkip = 312;        // the look-ahead of the usual encoders

  // Headers are written with the first packet, since it decides on mono or stereo.
  OpusOutput(ByteSink& sink, std::uint32_t serial, Tags tags);

  std::uint32_t samples_of(Bytes payload) const override;
  bool is_pause(Bytes payload) const override;
  void add(Bytes payload) override;
  void fill(std::uint64_t samples) override;
  std::uint64_t position() const override { return position_; }
  bool flush() override;
  bool finish() override;
  std::uint64_t bytes() const override { return bytes_; }
  bool begun() const override { return begun_; }

 private:
  bool begin();
  bool write(const ByteBuffer& page);
  void put(Bytes packet, std::uint32_t samples);

  ByteSink& sink_;
  const std::uint32_t serial_;
  const Tags tags_;
  OggPage page_;
  std::uint32_t sequence_ = 0;
  std::uint64_t position_ = 0, committed_ = 0, bytes_ = 0;
  std::uint8_t toc_ = 0;  // 0: no packet yet
  bool heard_ = false;    // toc_ is that of a participant's packet
  bool stereo_ = false, begun_ = false;
};

// The TOC (RFC 6716 section 3.1) of the same mode, bandwidth and channels with one frame of 10 or 20 ms.
std::uint8_t filler_toc(std::uint8_t toc, bool twenty_ms);

}  // namespace parley::recorder
