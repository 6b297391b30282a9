#include "client/text.hpp"

#include <cstdint>
#include <vector>

namespace parley::client {

namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
constexpr std::string_view kEllipsis = "\xE2\x80\xA6";

// Length of the well-formed UTF-8 sequence at the start of `text`, 0 for none; `code` gets its value.
std::size_t decode(std::string_view text, std::uint32_t& code) {
  const auto byte = [&text](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t first = byte(0);
  const std::size_t length = first < 0x80           ? 1
                             : (first >> 5) == 0x06 ? 2
                             : (first >> 4) == 0x0e ? 3
                             : (first >> 3) == 0x1e ? 4
                                                    : 0;
  if (length == 0 || length > text.size()) return 0;
  static constexpr std::uint8_t kMask[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
  static constexpr std::uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
  code = first & kMask[length];
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
    code = (code << 6) | (byte(i) & 0x3f);
  }
  const bool surrogate = code >= 0xd800 && code <= 0xdfff;
  return code < kLeast[length] || surrogate || code > 0x10ffff ? 0 : length;
}

bool is_harmful(std::uint32_t code) {
  const bool control = code < 0x20 || (code >= 0x7f && code <= 0x9f);
  const bool line = code == 0x2028 || code == 0x2029;
  const bool direction = code == 0x200e || code == 0x200f || code == 0x061c ||
                         (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
  return control || line || direction;
}

std::vector<std::string_view> characters(std::string_view text, std::size_t limit) {
  std::vector<std::string_view> out;
  while (!text.empty() && out.size() < limit) {
    std::uint32_t code = 0;
    const std::size_t length = decode(text, code);
    out.push_back(length == 0 || is_harmful(code) ? kReplacement : text.substr(0, length));
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return out;
}

std::string cut(std::string_view text, std::size_t columns, std::size_t& used) {
  auto parts = characters(text, columns + 1);
  if (parts.size() > columns) {
    parts.resize(columns);
    if (columns > 0) parts.back() = kEllipsis;
  }
  used = parts.size();
  std::string out;
  for (const auto part : parts) out += part;
  return out;
}

}  // namespace

std::string terminal_text(std::string_view text, std::size_t columns) {
  std::size_t used = 0;
  return cut(text, columns, used);
}

std::string terminal_cell(std::string_view text, std::size_t columns) {
  std::size_t used = 0;
  std::string out = cut(text, columns, used);
  return out.append(columns - used, ' ');
}

}  // namespace parley::client
