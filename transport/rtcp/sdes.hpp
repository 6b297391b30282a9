// SDES: source description (RFC 3550 section 6.5), of which only the canonical name matters here.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "transport/rtcp/compound.hpp"

namespace parley::rtcp {

inline constexpr std::size_t kMaxCname = 255;

// The CNAME of `ssrc`. Nothing when it is not there or any chunk of the packet is malformed. The text is the
// peer's: print it with log::printable() only.
std::optional<std::string_view> find_cname(const RtcpPacket& packet, std::uint32_t ssrc);

// One chunk with one item. A longer name is cut at kMaxCname bytes.
void write_sdes(ByteWriter& out, std::uint32_t ssrc, std::string_view cname);

}  // namespace parley::rtcp
