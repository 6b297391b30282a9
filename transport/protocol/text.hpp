// Which texts of a stranger are taken, for every door (WebSocket, HTTP, WHIP). Lengths are in characters
// (Unicode code points) unless said otherwise.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace parley::protocol {

inline constexpr std::size_t kMaxName = 64;
inline constexpr std::size_t kMaxRoomName = 64;
inline constexpr std::size_t kMaxPin = 64;
inline constexpr std::size_t kMaxReason = 200;
inline constexpr std::size_t kMaxToken = 4096;       // bytes
inline constexpr std::size_t kMaxChat = 2000;        // bytes
inline constexpr std::size_t kMaxSdp = 64 * 1024;    // bytes
inline constexpr std::size_t kMaxReport = 8 * 1024;  // bytes

// The number of characters, or nothing if the bytes are not well-formed UTF-8 (RFC 3629: no overlong forms,
// no surrogates, nothing above U+10FFFF).
std::optional<std::size_t> utf8_length(std::string_view text);

// The text with U+FFFD in place of each byte that is not part of well-formed UTF-8.
std::string well_formed_utf8(std::string_view text);

// Each returns what is wrong, to be put behind a field's name ("must be ..."), or nothing.
// A name of people or a PIN: no control characters, line separators or marks that turn the direction of
// writing.
std::optional<std::string> complain_about_name(std::string_view name, std::size_t max = kMaxName);
// A room's name: as above, 1 to 64 characters, without '/', and neither "." nor "..".
std::optional<std::string> complain_about_room_name(std::string_view name);
// A participant's id or a resume token: 1 to 64 of [A-Za-z0-9_-].
std::optional<std::string> complain_about_id(std::string_view id);
// Chat: at most kMaxChat bytes, line ends and tabs allowed, not empty.
std::optional<std::string> complain_about_chat(std::string_view text);

}  // namespace parley::protocol
