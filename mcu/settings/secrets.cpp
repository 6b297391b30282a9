#include "mcu/settings/secrets.hpp"

#include <algorithm>
#include <array>
#include <set>

namespace parley::settings {

namespace {

// Words of documentation, of other servers' defaults and of lists of the commonest passwords. They count for
// nothing: what is left of the secret must be long enough.
constexpr std::array<std::string_view, 20> kGuessable = {
    "correcthorsebatterystaple",
    "janusoverlord",
    "0123456789",
    "123456789",
    "change-me",
    "change_me",
    "replaceme",
    "changeme",
    "password",
    "passw0rd",
    "deadbeef",
    "abcdefgh",
    "default",
    "example",
    "letmein",
    "welcome",
    "qwerty",
    "secret",
    "parley",
    "admin",
};
constexpr std::size_t kLeastDistinct = 6;

std::string without_guessable(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  for (const auto word : kGuessable)
    for (auto at = text.find(word); at != std::string::npos; at = text.find(word))
      text.erase(at, word.size());
  return text;
}

}  // namespace

std::string complain_about_secret(std::string_view secret) {
  if (secret.empty()) return {};
  if (secret.size() < kShortestSecret) return "fewer than 16 characters";
  if (secret.size() > kLongestSecret) return "more than 512 characters";
  for (const char c : secret)
    if (c <= 0x20 || c >= 0x7f) return "a character that is not printable ASCII, or a space";
  const auto rest = without_guessable(std::string(secret));
  if (rest.size() < kShortestSecret) return "fewer than 16 characters beside words that everybody tries";
  if (std::set<char>(rest.begin(), rest.end()).size() < kLeastDistinct)
    return "the same few characters again and again";
  return {};
}

}  // namespace parley::settings
