// BYE: goodbye (RFC 3550 section 6.6).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "transport/rtcp/compound.hpp"

namespace parley::rtcp {

struct Bye {
  Bytes sources;            // four bytes each
  std::string_view reason;  // the peer's text; may be empty

  bool names(std::uint32_t ssrc) const;
};

std::optional<Bye> parse_bye(const RtcpPacket& packet);
// A longer reason is cut at 255 bytes.
void write_bye(ByteWriter& out, std::uint32_t ssrc, std::string_view reason = {});

}  // namespace parley::rtcp
