// The keys of one SRTP association, as DTLS exports them (RFC 5764 section 4.2) and libsrtp takes them: the
// master key followed by the master salt.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "transport/base/bytes.hpp"

namespace parley::srtp {

// RFC 5764 section 4.1.2 and RFC 7714 section 14.2. The order is our preference.
enum class Profile : std::uint8_t { aead_aes_128_gcm, aes128_cm_sha1_80 };

constexpr std::size_t kKeyLength = 16;
constexpr std::size_t salt_length(Profile profile) {
  return profile == Profile::aead_aes_128_gcm ? 12 : 14;
}
constexpr const char* to_string(Profile profile) {
  return profile == Profile::aead_aes_128_gcm ? "AEAD_AES_128_GCM" : "AES_CM_128_HMAC_SHA1_80";
}

class MasterKey {
 public:
  // `key` and `salt` have the lengths of the profile; what is longer than fits is our own bug and is cut.
  void assign(Bytes key, Bytes salt);
  Bytes bytes() const { return {data_.data(), size_}; }

 private:
  std::array<std::uint8_t, kKeyLength + 14> data_{};
  std::size_t size_ = 0;
};

struct SrtpKeys {
  Profile profile = Profile::aead_aes_128_gcm;
  MasterKey local;   // protects what we send
  MasterKey remote;  // protects what the peer sends
};

}  // namespace parley::srtp
