// The two checksums of a STUN message, over its prefix with the length a receiver will have seen
// (RFC 8489 sections 14.5 and 14.7). Internal to this folder.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "transport/base/bytes.hpp"

namespace parley::stun {

inline constexpr std::size_t kIntegritySize = 20;
inline constexpr std::size_t kFingerprintSize = 4;
using Integrity = std::array<std::uint8_t, kIntegritySize>;

// HMAC-SHA1 of the message up to the attribute MESSAGE-INTEGRITY, whose header starts at `attribute_at`; the
// header's length is taken to end with the attribute. Nothing when OpenSSL fails.
std::optional<Integrity> integrity_of(Bytes message, std::size_t attribute_at, std::string_view key);

// CRC-32 of everything before FINGERPRINT. The length in the header must count FINGERPRINT already.
std::uint32_t fingerprint_of(Bytes prefix);

}  // namespace parley::stun
