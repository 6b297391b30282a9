// What may be a name, the same for every door (docs/protocol.md). Names come from strangers and end up in
// URLs, logs, terminals and pages.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace parley::room {

// Characters (code points) of well-formed UTF-8 (RFC 3629) without control characters, line separators and
// the invisible marks that turn the direction of writing; nothing when the text is not such.
// `allow_newlines`: tab, carriage return and line feed pass (chat).
std::optional<std::size_t> text_length(std::string_view text, bool allow_newlines = false);
inline bool valid_text(std::string_view text, bool allow_newlines = false) {
  return text_length(text, allow_newlines).has_value();
}

// 1 to 64 such characters, without '/', no space at either end, neither "." nor "..".
bool valid_room_name(std::string_view name);

// A participant's name without spaces at its ends; "guest" where none is left. Nothing when it is no valid
// text or longer than 64 characters.
std::optional<std::string> display_name(std::string_view name);

}  // namespace parley::room
