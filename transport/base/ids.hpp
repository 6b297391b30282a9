// Identifiers. Small integers inside (fit for the hot path), unguessable text outside.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace parley {

// A leg (media session) of this server's life; never reused. 0 is "none".
enum class LegId : std::uint32_t { none = 0 };
// A room of this server's life; never reused. 0 is "none".
enum class RoomId : std::uint32_t { none = 0 };

constexpr std::uint32_t raw(LegId id) {
  return static_cast<std::uint32_t>(id);
}
constexpr std::uint32_t raw(RoomId id) {
  return static_cast<std::uint32_t>(id);
}

// `length` characters from [a-zA-Z0-9], from the kernel's random source (62^22 > 2^128: 22 is a 128-bit
// token).
std::string random_token(std::size_t length);
std::uint32_t random_u32();
std::uint64_t random_u64();

// Compares secrets without telling by its duration where they differ.
bool equal_constant_time(std::string_view a, std::string_view b);

}  // namespace parley
