// CRC-32 of ISO HDLC (polynomial 0x04C11DB7, reflected), as STUN's FINGERPRINT uses it (RFC 8489
// section 14.7).
#pragma once

#include <cstdint>

#include "transport/base/bytes.hpp"

namespace parley::stun {

std::uint32_t crc32(Bytes data);

}  // namespace parley::stun
