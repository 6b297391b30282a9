// Which keys are fit to guard a server.
#pragma once

#include <string>
#include <string_view>

namespace parley::settings {

inline constexpr std::size_t kShortestSecret = 16;
inline constexpr std::size_t kLongestSecret = 512;

// What is wrong with a secret, never with a word of it; empty: nothing. No secret at all ("") is fine here.
std::string complain_about_secret(std::string_view secret);

}  // namespace parley::settings
