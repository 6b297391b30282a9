// What may be a name. Names come from strangers and end up in URLs, files, logs, terminals and pages.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace parley::room {

// 1 to 64 letters, digits, '-', '_' and '.', the first one a letter or digit: safe in a URL and as a file
// name.
bool valid_room_name(std::string_view name);

// Well-formed UTF-8 (RFC 3629) without control characters and without the invisible ones that reorder text.
// `allow_newlines`: tab, carriage return and line feed pass (chat).
bool valid_text(std::string_view text, bool allow_newlines = false);

// A participant's name without white space at its ends; "guest" where none is left. Nothing when it is no
// valid text or longer than 128 bytes.
std::optional<std::string> display_name(std::string_view name);

}  // namespace parley::room
