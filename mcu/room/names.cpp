#include "mcu/room/names.hpp"

#include <cstdint>

namespace parley::room {
namespace {

constexpr std::size_t kMaxName = 64;

// The code point that starts at `at`, which moves behind it; nothing when it is malformed, overlong or a
// surrogate.
std::optional<std::uint32_t> next_code_point(std::string_view text, std::size_t& at) {
  const auto first = static_cast<std::uint8_t>(text[at++]);
  if (first < 0x80) return first;
  const std::size_t more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
  if (first < 0xc2 || first > 0xf4 || text.size() - at < more) return std::nullopt;
  std::uint32_t value = first & (0x3fU >> more);
  for (std::size_t i = 0; i < more; ++i) {
    const auto byte = static_cast<std::uint8_t>(text[at++]);
    if ((byte & 0xc0U) != 0x80U) return std::nullopt;
    value = (value << 6U) | (byte & 0x3fU);
  }
  constexpr std::uint32_t kSmallest[] = {0, 0x80, 0x800, 0x10000};
  const bool surrogate = value >= 0xd800 && value <= 0xdfff;
  if (value < kSmallest[more] || value > 0x10ffff || surrogate) return std::nullopt;
  return value;
}

bool is_control(std::uint32_t c) {
  return c < 0x20 || (c >= 0x7f && c < 0xa0);
}
bool reorders_or_breaks_lines(std::uint32_t c) {
  return (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0x2028 || c == 0x2029;
}

}  // namespace

std::optional<std::size_t> text_length(std::string_view text, bool allow_newlines) {
  std::size_t length = 0;
  for (std::size_t at = 0; at < text.size(); ++length) {
    const auto c = next_code_point(text, at);
    if (!c || reorders_or_breaks_lines(*c)) return std::nullopt;
    const bool newline = *c == '\t' || *c == '\n' || *c == '\r';
    if (is_control(*c) && !(allow_newlines && newline)) return std::nullopt;
  }
  return length;
}

bool valid_room_name(std::string_view name) {
  const auto length = text_length(name);
  return length && *length >= 1 && *length <= kMaxName && name.find('/') == std::string_view::npos &&
         name.front() != ' ' && name.back() != ' ' && name != "." && name != "..";
}

std::optional<std::string> display_name(std::string_view name) {
  const auto begin = name.find_first_not_of(' ');
  if (begin == std::string_view::npos) return "guest";
  const auto trimmed = name.substr(begin, name.find_last_not_of(' ') - begin + 1);
  const auto length = text_length(trimmed);
  if (!length || *length > kMaxName) return std::nullopt;
  return std::string(trimmed);
}

}  // namespace parley::room
