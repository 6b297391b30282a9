// Tokens: JSON Web Tokens (RFC 7519) in compact form, signed by HS256 (RFC 7515) and nothing else, with the
// claims {room, name, role, exp, nbf?, once?}. A token admits to one room under one name and role until it
// expires. With {calls: true, name, exp, nbf?} it is for calls instead: its holder is called by this name.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "mcu/room/types.hpp"
#include "transport/base/result.hpp"

namespace parley::signaling {

using WallTime = std::chrono::system_clock::time_point;

struct TokenClaims {
  std::string room, name;
  room::Role role = room::Role::participant;
  WallTime expires{};
  bool once = false;
  bool calls = false;  // for calls, and for no room
  std::string id;      // of this token, for counting its uses: its signature
};

// Everything is checked but the room, which only the caller knows. The error says what is wrong with the
// token, in words fit for its holder.
Result<TokenClaims> verify_token(std::string_view token, std::string_view key, WallTime at);

// A token that verify_token takes; `claims.id` is not read. No two are equal: each of those that admit once
// counts for itself. Names and rooms are written as they are: they must be valid.
std::string sign_token(const TokenClaims& claims, std::string_view key);

// HMAC-SHA256 (RFC 2104) of `text` in 64 hexadecimal digits.
std::string hmac_hex(std::string_view text, std::string_view key);

}  // namespace parley::signaling
