// A sender for tests: sound in, RTP packets as a client would send them out, and the decoder that lost
// nothing to compare with.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "transport/base/media_packet.hpp"
#include "transport/base/time.hpp"

namespace parley::test {

struct OpusSourceConfig {
  bool low_delay = false;  // CELT only, 2.5 ms look-ahead; otherwise the voice mode
  int bitrate = 32'000;
  int complexity = 7;
  int expected_loss = 0;  // percent; FEC is on when this is above 0
  bool dtx = false;
  bool sends_every_dtx = true;  // false: only the first packet of a DTX period goes out, as browsers do
  int frame_us = 20'000;
  int frames_per_packet = 1;
  bool stereo = false;  // the same sound in both channels, coded as stereo
  std::uint32_t ssrc = 0x1234'5678;
  std::uint16_t first_sequence = 65'500;  // both wrap early in every test
  std::uint32_t first_timestamp = 0xffff'f000;
};

// `sent`: media time at which the packet is complete, after the start of the stream.
struct TimedPacket {
  MediaPacket packet;
  Duration sent{};
};

std::vector<TimedPacket> opus_packets(std::span<const float> samples, const OpusSourceConfig& config = {});
// G.711 from 48 kHz sound (every sixth sample of a short average).
std::vector<TimedPacket> g711_packets(std::span<const float> samples, Codec codec, int frame_ms = 20);

// All packets decoded in order without any loss, at the place in media time where they belong: mono, 48 kHz.
std::vector<float> decode_all(std::span<const TimedPacket> packets);

}  // namespace parley::test
