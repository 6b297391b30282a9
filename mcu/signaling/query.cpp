#include "mcu/signaling/query.hpp"

#include <charconv>
#include <ctime>

namespace parley::signaling {

std::optional<std::int64_t> query_number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

std::optional<std::int64_t> query_moment(const std::string& text) {
  if (const auto ms = query_number(text)) return ms;
  for (const char* shape : {"%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d"}) {
    std::tm utc{};
    const char* end = ::strptime(text.c_str(), shape, &utc);
    if (end != nullptr && *end == '\0') return static_cast<std::int64_t>(::timegm(&utc)) * 1'000;
  }
  return std::nullopt;
}

}  // namespace parley::signaling
