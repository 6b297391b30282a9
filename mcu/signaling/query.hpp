// Values in the query of a URL.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace parley::signaling {

// A whole number that is not negative.
std::optional<std::int64_t> query_number(std::string_view text);
// Milliseconds since 1970, or "2026-11-25" or "2026-11-25T14:00:00Z" (RFC 3339, UTC), as milliseconds.
std::optional<std::int64_t> query_moment(const std::string& text);

}  // namespace parley::signaling
