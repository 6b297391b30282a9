// Bytes in tests, written as text: "80 6f 1234" with blanks anywhere.
#pragma once

#include <cctype>
#include <stdexcept>
#include <string>
#include <string_view>

#include "transport/base/bytes.hpp"

namespace parley::test {

inline ByteBuffer from_hex(std::string_view text) {
  std::string digits;
  for (const char c : text) {
    if (std::isspace(static_cast<unsigned char>(c)) != 0) continue;
    if (std::isxdigit(static_cast<unsigned char>(c)) == 0) throw std::invalid_argument("not a hex digit");
    digits.push_back(c);
  }
  if (digits.size() % 2 != 0) throw std::invalid_argument("half a byte");
  ByteBuffer bytes;
  for (std::size_t i = 0; i < digits.size(); i += 2)
    bytes.push_back(static_cast<std::uint8_t>(std::stoul(digits.substr(i, 2), nullptr, 16)));
  return bytes;
}

inline std::string to_hex(Bytes bytes) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t byte : bytes) {
    text.push_back(kDigits[byte >> 4]);
    text.push_back(kDigits[byte & 15]);
  }
  return text;
}

}  // namespace parley::test
