#include "mcu/room/names.hpp"

#include <algorithm>
#include <cstdint>

namespace parley::room {
namespace {

constexpr std::size_t kMaxRoomName = 64;
constexpr std::size_t kMaxDisplayName = 128;

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

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

bool valid_room_name(std::string_view name) {
  if (name.empty() || name.size() > kMaxRoomName || !is_alphanumeric(name.front())) return false;
  return std::all_of(name.begin(), name.end(),
                     [](char c) { return is_alphanumeric(c) || c == '-' || c == '_' || c == '.'; });
}

bool valid_text(std::string_view text, bool allow_newlines) {
  for (std::size_t at = 0; at < text.size();) {
    const auto c = next_code_point(text, at);
    if (!c || reorders_or_breaks_lines(*c)) return false;
    const bool newline = *c == '\t' || *c == '\n' || *c == '\r';
    if (is_control(*c) && !(allow_newlines && newline)) return false;
  }
  return true;
}

std::optional<std::string> display_name(std::string_view name) {
  const auto begin = name.find_first_not_of(' ');
  if (begin == std::string_view::npos) return "guest";
  const auto trimmed = name.substr(begin, name.find_last_not_of(' ') - begin + 1);
  if (trimmed.size() > kMaxDisplayName || !valid_text(trimmed)) return std::nullopt;
  return std::string(trimmed);
}

}  // namespace parley::room
