// The small words of SDP's grammar (RFC 8866 section 9), used by the parsers of this folder only.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace parley::sdp {

// Fields parted by single spaces.
class Fields {
 public:
  explicit Fields(std::string_view text) : rest_(text) {}
  // The next field; empty at the end.
  std::string_view next() {
    const auto space = rest_.find(' ');
    const auto field = rest_.substr(0, space);
    rest_.remove_prefix(space == std::string_view::npos ? rest_.size() : space + 1);
    return field;
  }
  bool done() const { return rest_.empty(); }
  std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
};

// Cuts `text` at the first `mark`: returns what is before it and leaves in `text` what follows.
inline std::string_view cut(std::string_view& text, char mark) {
  const auto at = text.find(mark);
  const auto head = text.substr(0, at);
  text.remove_prefix(at == std::string_view::npos ? text.size() : at + 1);
  return head;
}

// Decimal digits only, from `least` to `most`.
template <typename T>
std::optional<T> number(std::string_view text, T least, T most) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  if (value < std::uint64_t{least} || value > std::uint64_t{most}) return std::nullopt;
  return static_cast<T>(value);
}

inline bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
inline bool is_alpha(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
inline char to_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
inline char to_upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}
inline bool same_word(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (to_lower(a[i]) != to_lower(b[i])) return false;
  return true;
}

template <typename Predicate>
bool consists_of(std::string_view text, std::size_t least, std::size_t most, Predicate allowed) {
  if (text.size() < least || text.size() > most) return false;
  for (const char c : text)
    if (!allowed(c)) return false;
  return true;
}

inline bool is_token_char(char c) {  // RFC 8866: token-char
  return c > 0x20 && c < 0x7f && std::string_view("\"(),/:;<=>?@[\\]").find(c) == std::string_view::npos;
}
inline bool is_token(std::string_view text, std::size_t most = 64) {
  return consists_of(text, 1, most, is_token_char);
}
inline bool is_ice_char(char c) {  // RFC 8839 section 5.1
  return is_alpha(c) || is_digit(c) || c == '+' || c == '/';
}
inline bool is_ufrag(std::string_view text) {
  return consists_of(text, 4, 256, is_ice_char);
}
inline bool is_ice_pwd(std::string_view text) {
  return consists_of(text, 22, 256, is_ice_char);
}

}  // namespace parley::sdp
