#include "transport/stun/integrity.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>

#include "transport/base/check.hpp"
#include "transport/stun/crc32.hpp"
#include "transport/stun/stun_message.hpp"

namespace parley::stun {
namespace {

constexpr std::uint32_t kFingerprintMask = 0x5354554E;  // "STUN": told apart from an inner protocol's CRC

}  // namespace

std::optional<Integrity> integrity_of(Bytes message, std::size_t attribute_at, std::string_view key) {
  PARLEY_ASSERT(attribute_at >= kHeaderSize && attribute_at <= message.size() && attribute_at <= kMaxMessage);
  std::array<std::uint8_t, kMaxMessage> prefix;
  std::copy_n(message.begin(), attribute_at, prefix.begin());
  const std::size_t length = attribute_at + 4 + kIntegritySize - kHeaderSize;
  prefix[2] = static_cast<std::uint8_t>(length >> 8);
  prefix[3] = static_cast<std::uint8_t>(length);

  Integrity mac{};
  unsigned size = 0;
  const auto* made = HMAC(EVP_sha1(), key.data(), static_cast<int>(key.size()), prefix.data(), attribute_at,
                          mac.data(), &size);
  if (made == nullptr || size != mac.size()) return std::nullopt;
  return mac;
}

std::uint32_t fingerprint_of(Bytes prefix) {
  return crc32(prefix) ^ kFingerprintMask;
}

}  // namespace parley::stun
