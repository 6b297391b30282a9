// RTP packets (RFC 3550 section 5.1): strict parsing into views of the datagram, and writing.
//
// Pure functions; nothing is copied and nothing allocated. The views live as long as the datagram does.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "transport/base/bytes.hpp"

namespace parley::rtp {

inline constexpr std::size_t kFixedHeaderSize = 12;
inline constexpr std::size_t kMaxCsrcs = 15;

struct RtpHeader {
  bool marker = false;
  std::uint8_t payload_type = 0;  // 7 bits
  std::uint16_t sequence = 0;
  std::uint32_t timestamp = 0;
  std::uint32_t ssrc = 0;
  std::uint8_t csrc_count = 0;
  std::array<std::uint32_t, kMaxCsrcs> csrc{};  // the first csrc_count are meant
};

struct RtpPacket {
  RtpHeader header;
  Bytes payload;                        // without padding; may be empty
  std::uint16_t extension_profile = 0;  // RFC 8285: 0xBEDE or 0x100x; 0 without an extension
  Bytes extension;                      // behind the extension's own four-byte header
};

// Nothing unless version, CSRC list, extension and padding all fit into the datagram. A packet of padding
// alone is valid (senders probe bandwidth with them); a padding count of zero is not.
std::optional<RtpPacket> parse_rtp(Bytes datagram);

// Writes header, extension and payload without padding. `extension_block` is already encoded, with its
// four-byte header (write_extension_block() makes one), or empty. Returns the size, 0 when it does not fit.
std::size_t write_rtp(std::span<std::uint8_t> out, const RtpHeader& header, Bytes extension_block,
                      Bytes payload);

}  // namespace parley::rtp
