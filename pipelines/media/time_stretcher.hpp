// Makes the sound that waits to be played a little shorter or longer without a click: whole pitch periods in
// speech, any length where it is quiet.
#pragma once

#include <cstdint>

#include "pipelines/media/pcm_fifo.hpp"

namespace parley::media {

class TimeStretcher {
 public:
  explicit TimeStretcher(std::uint32_t rate) : ms_(rate / 1'000) {}

  // Samples that must wait behind the tick for shorten() to look at.
  std::size_t reach() const { return kHighest * ms_ + window(); }

  // Takes up to `most` samples out of the sound that waits. In a quiet tick exactly `most`; in speech the
  // pitch period that fits best, if it is alike by at least `similarity`. Returns the samples taken out, 0
  // when it would be heard.
  std::size_t shorten(PcmFifo& pcm, std::size_t most, bool quiet, float similarity) const;
  // Puts samples in, in the same way; in speech at least 2.5 ms.
  std::size_t lengthen(PcmFifo& pcm, std::size_t wanted, bool quiet, float similarity) const;

 private:
  static constexpr std::size_t kHighest = 15;  // ms, 67 Hz
  std::size_t lowest() const { return ms_ * 5 / 2; }
  std::size_t window() const { return ms_ * 6; }
  std::size_t seam() const { return ms_ * 5; }

  std::size_t ms_;
};

}  // namespace parley::media
