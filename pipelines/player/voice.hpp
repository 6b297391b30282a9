// The player's voice in a room: a talker like any other, whose packets are made here. So its sound takes the
// way of every talker's, and the mix thread never waits for a file.
//
// Threads: one owner.
#pragma once

#include <cstdint>
#include <span>

#include "transport/base/media_packet.hpp"

struct OpusEncoder;

namespace parley::player {

class Voice {
 public:
  static constexpr std::size_t kSamples = 960;
  static constexpr int kBitrate = 96'000;

  explicit Voice(std::uint32_t ssrc);
  ~Voice();
  Voice(const Voice&) = delete;
  Voice& operator=(const Voice&) = delete;

  // One tick as a packet, mono Opus, with its RFC 6464 level.
  const MediaPacket& say(std::span<const float> pcm, TimePoint at);
  // A tick in which nothing is said.
  void pause() {
    timestamp_ += kSamples;
    resumes_ = true;
  }

 private:
  OpusEncoder* encoder_;
  MediaPacket packet_;
  std::uint16_t sequence_ = 0;
  std::uint32_t timestamp_ = 0;
  bool resumes_ = true;
};

}  // namespace parley::player
