#include "transport/protocol/text.hpp"

#include <cstdint>

namespace parley::protocol {

namespace {

constexpr char32_t kNotUtf8 = 0xffffffff;

// Takes one character off the front of `text` (RFC 3629); kNotUtf8 when there is none that is well-formed.
char32_t next_character(std::string_view& text) {
  const auto lead = static_cast<std::uint8_t>(text.front());
  std::size_t length = 1;
  char32_t value = lead;
  char32_t least = 0;
  if (lead >= 0xf0 && lead <= 0xf4) {
    length = 4;
    value = lead & 0x07U;
    least = 0x10000;
  } else if (lead >= 0xe0 && lead <= 0xef) {
    length = 3;
    value = lead & 0x0fU;
    least = 0x800;
  } else if (lead >= 0xc2 && lead <= 0xdf) {
    length = 2;
    value = lead & 0x1fU;
    least = 0x80;
  } else if (lead >= 0x80) {
    return kNotUtf8;
  }
  if (text.size() < length) return kNotUtf8;
  for (std::size_t i = 1; i < length; ++i) {
    const auto byte = static_cast<std::uint8_t>(text[i]);
    if ((byte & 0xc0U) != 0x80) return kNotUtf8;
    value = (value << 6) | (byte & 0x3fU);
  }
  text.remove_prefix(length);
  const bool surrogate = value >= 0xd800 && value <= 0xdfff;
  return value < least || surrogate || value > 0x10ffff ? kNotUtf8 : value;
}

bool is_control(char32_t c) {
  return c < 0x20 || (c >= 0x7f && c <= 0x9f);
}

// Would make a name look like another, or break it over lines.
bool is_disguise(char32_t c) {
  return c == 0x200e || c == 0x200f || (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) ||
         c == 0xfeff;
}

template <typename Allowed>
std::optional<std::string> complain(std::string_view text, std::size_t max, Allowed allowed,
                                    const char* what) {
  std::size_t length = 0;
  while (!text.empty()) {
    const auto c = next_character(text);
    if (c == kNotUtf8) return "must be UTF-8";
    if (!allowed(c)) return what;
    if (++length > max) return "must have at most " + std::to_string(max) + " characters";
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::size_t> utf8_length(std::string_view text) {
  std::size_t length = 0;
  for (; !text.empty(); ++length)
    if (next_character(text) == kNotUtf8) return std::nullopt;
  return length;
}

std::string well_formed_utf8(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    std::string_view rest = text;
    if (next_character(rest) == kNotUtf8) {
      out += "\xef\xbf\xbd";
      text.remove_prefix(1);
    } else {
      out += text.substr(0, text.size() - rest.size());
      text = rest;
    }
  }
  return out;
}

std::optional<std::string> complain_about_name(std::string_view name, std::size_t max) {
  return complain(
      name, max, [](char32_t c) { return !is_control(c) && !is_disguise(c); },
      "must not have control characters or marks of writing direction");
}

std::optional<std::string> complain_about_room_name(std::string_view name) {
  if (name.empty()) return "must not be empty";
  if (name == "." || name == ".." || name.find('/') != std::string_view::npos)
    return "must not have a '/' and not be '.' or '..'";
  return complain_about_name(name, kMaxRoomName);
}

std::optional<std::string> complain_about_id(std::string_view id) {
  constexpr const char* kExpected = "must be 1 to 64 of [A-Za-z0-9_-]";
  if (id.empty() || id.size() > 64) return kExpected;
  for (const char c : id) {
    const bool ok =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    if (!ok) return kExpected;
  }
  return std::nullopt;
}

std::optional<std::string> complain_about_chat(std::string_view text) {
  if (text.empty()) return "must not be empty";
  if (text.size() > kMaxChat) return "must have at most " + std::to_string(kMaxChat) + " bytes";
  return complain(
      text, kMaxChat, [](char32_t c) { return !is_control(c) || c == '\n' || c == '\r' || c == '\t'; },
      "must not have control characters");
}

}  // namespace parley::protocol
