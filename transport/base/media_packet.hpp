// The record handed from the transport to the media plane: one RTP packet, decrypted and checked.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>

#include "transport/base/bytes.hpp"
#include "transport/base/time.hpp"

namespace parley {

enum class Codec : std::uint8_t { opus, pcmu, pcma };

// RTP clock rate: RFC 7587 section 4.1 (Opus is always 48 kHz), RFC 3551 section 4.5.14.
constexpr std::uint32_t rtp_clock_rate(Codec codec) {
  return codec == Codec::opus ? 48'000 : 8'000;
}

struct MediaPacket {
  static constexpr std::size_t kMaxPayload =
      1'452;  // what fits an Ethernet frame beside IPv6, UDP and RTP headers
  static constexpr std::uint8_t kNoLevel = 0xff;

  std::uint32_t ssrc = 0;
  std::uint32_t timestamp = 0;  // RTP units
  TimePoint arrival{};          // when the kernel's datagram was read
  std::uint16_t sequence = 0;
  std::uint16_t size = 0;         // payload bytes
  std::uint8_t level = kNoLevel;  // RFC 6464: -dBov, 0 loudest, 127 silence
  bool voice = false;             // RFC 6464 V bit (meaningless without a level)
  bool marker = false;
  std::array<std::uint8_t, kMaxPayload> payload;  // deliberately not zeroed: only `size` bytes mean anything

  Bytes data() const { return {payload.data(), size}; }
  bool assign(Bytes bytes) {
    if (bytes.size() > kMaxPayload) return false;
    if (!bytes.empty()) std::memcpy(payload.data(), bytes.data(), bytes.size());
    size = static_cast<std::uint16_t>(bytes.size());
    return true;
  }
};

}  // namespace parley
