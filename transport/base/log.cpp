#include "transport/base/log.hpp"

#include <algorithm>

namespace parley::log {
namespace {

struct Character {
  std::uint32_t code = 0;
  std::size_t size = 0;  // bytes; 0: the text does not begin with a character of UTF-8
};

Character first_character(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  if (lead < 0x80) return {lead, 1};
  const std::size_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < size) return {};
  std::uint32_t code = lead & (0xffU >> (size + 1));
  for (std::size_t i = 1; i < size; ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if ((byte & 0xc0) != 0x80) return {};
    code = (code << 6) | (byte & 0x3fU);
  }
  constexpr std::uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = code >= 0xd800 && code <= 0xdfff;
  if (code < kSmallest[size] || code > 0x10ffff || surrogate) return {};
  return {code, size};
}

// Control characters (C0, DEL, C1), line separators, and those that turn the direction of the text.
bool may_be_shown(std::uint32_t code) {
  if (code < 0x20 || (code >= 0x7f && code <= 0x9f)) return false;
  return !(code >= 0x2028 && code <= 0x202e) && !(code >= 0x2066 && code <= 0x2069) && code != 0x200e &&
         code != 0x200f;
}

}  // namespace

std::string printable(std::string_view text, std::size_t limit) {
  std::string out;
  std::size_t at = 0;
  while (at < text.size()) {
    const Character character = first_character(text.substr(at));
    const std::string_view part = text.substr(at, std::max<std::size_t>(character.size, 1));
    if (at + part.size() > limit) break;
    if (character.size > 0 && may_be_shown(character.code)) {
      out += part;
    } else {
      for (const char c : part) out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    }
    at += part.size();
  }
  if (at < text.size()) out += "...";
  return out;
}

}  // namespace parley::log

namespace parley {

void RateLimitedLog::hit(TimePoint at, std::string_view detail) {
  total_.fetch_add(1, std::memory_order_relaxed);
  if (started_ && at - last_ < interval_) {
    ++kept_back_;
    return;
  }
  log::warn("{}{}{}{}", what_, detail.empty() ? "" : ": ", log::printable(detail),
            kept_back_ > 0 ? fmt::format(" ({} more since the last line)", kept_back_) : std::string{});
  started_ = true;
  last_ = at;
  kept_back_ = 0;
}

}  // namespace parley
