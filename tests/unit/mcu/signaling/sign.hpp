// Makes tokens, good and bad ones.
#pragma once

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <chrono>
#include <string>
#include <string_view>

namespace parley::signaling {

inline std::string base64url(std::string_view text) {
  static constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string out;
  unsigned bits = 0, have = 0;
  for (const char c : text) {
    bits = (bits << 8U) | static_cast<unsigned char>(c);
    for (have += 8; have >= 6;) {
      have -= 6;
      out.push_back(kAlphabet[(bits >> have) & 63U]);
    }
  }
  if (have > 0) out.push_back(kAlphabet[(bits << (6 - have)) & 63U]);
  return out;
}

inline std::string sign_parts(const std::string& header, const std::string& claims, std::string_view key) {
  const auto text = base64url(header) + "." + base64url(claims);
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  ::HMAC(::EVP_sha256(), key.data(), static_cast<int>(key.size()),
         reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest, &size);
  return text + "." + base64url({reinterpret_cast<const char*>(digest), size});
}

inline std::string sign(const std::string& claims, std::string_view key) {
  return sign_parts(R"({"alg":"HS256","typ":"JWT"})", claims, key);
}

inline std::string in_seconds(long seconds) {
  return std::to_string(
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
          .count() +
      seconds);
}

}  // namespace parley::signaling
