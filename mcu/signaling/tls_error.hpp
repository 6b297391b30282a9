#pragma once

#include <openssl/err.h>

#include <array>
#include <string>

namespace parley::signaling {

// The text of OpenSSL's oldest error on this thread; the others are forgotten.
inline std::string openssl_error() {
  std::array<char, 256> text{};
  ::ERR_error_string_n(::ERR_get_error(), text.data(), text.size());
  ::ERR_clear_error();
  return text.data();
}

}  // namespace parley::signaling
