#include "mcu/signaling/http.hpp"

#include <algorithm>
#include <cctype>
#include <ctime>

namespace parley::signaling {
namespace {

constexpr std::size_t kMaxTarget = 8 * 1024;
constexpr std::size_t kMaxQueryParameters = 32;

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Percent-decoding (RFC 3986 section 2.1) to text without control characters: what is left has one reading.
std::optional<std::string> decode(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      if (text.size() - i < 3) return std::nullopt;
      const int high = hex_digit(text[i + 1]), low = hex_digit(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      c = static_cast<char>(high * 16 + low);
      i += 2;
    } else if (c == '+' && plus_is_space) {
      c = ' ';
    }
    if (std::iscntrl(static_cast<unsigned char>(c)) != 0) return std::nullopt;
    out.push_back(c);
  }
  return out;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (std::size_t begin = 0;;) {
    const auto end = text.find(separator, begin);
    parts.push_back(text.substr(begin, end - begin));
    if (end == std::string_view::npos) return parts;
    begin = end + 1;
  }
}

bool parse_query(std::string_view text, std::map<std::string, std::string>& query) {
  for (const auto part : split(text, '&')) {
    if (part.empty()) continue;
    const auto equals = std::min(part.find('='), part.size());
    const auto name = decode(part.substr(0, equals), true);
    const auto value = decode(part.substr(std::min(equals + 1, part.size())), true);
    if (!name || !value || query.size() >= kMaxQueryParameters) return false;
    if (!query.emplace(*name, *value).second) return false;
  }
  return true;
}

}  // namespace

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

bool parse_target(std::string_view target, Request& request) {
  if (target.empty() || target.front() != '/' || target.size() > kMaxTarget) return false;
  const auto mark = std::min(target.find('?'), target.size());
  const auto path = target.substr(1, mark - 1);
  if (!path.empty()) {
    for (const auto part : split(path, '/')) {
      auto segment = decode(part, false);
      if (!segment || *segment == "." || *segment == "..") return false;
      request.path.push_back(std::move(*segment));
    }
  }
  return mark == target.size() || parse_query(target.substr(mark + 1), request.query);
}

std::string encode_segment(std::string_view text) {
  static constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool unreserved = byte < 0x80 && (std::isalnum(byte) != 0 ||
                                            std::string_view("-._~").find(c) != std::string_view::npos);
    if (unreserved)
      out.push_back(c);
    else
      out.append({'%', kHex[byte >> 4U], kHex[byte & 15U]});
  }
  return out;
}

std::string Request::query_value(const std::string& name) const {
  const auto found = query.find(name);
  return found == query.end() ? std::string() : found->second;
}

std::string Request::content_type() const {
  auto value = header(http::field::content_type);
  value.erase(std::min(value.find(';'), value.size()));
  while (!value.empty() && value.back() == ' ') value.pop_back();
  std::transform(value.begin(), value.end(), value.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return value;
}

std::string Request::bearer() const {
  const auto value = header(http::field::authorization);
  constexpr std::string_view kScheme = "Bearer ";
  if (value.size() <= kScheme.size() || !equal_ignoring_case(value.substr(0, kScheme.size()), kScheme))
    return {};
  return value.substr(kScheme.size());
}

bool Request::accepts(std::string_view media_type) const {
  const auto accept = headers.find(http::field::accept);
  if (accept == headers.end()) return true;
  const auto slash = media_type.find('/');
  for (auto range : split({accept->value().data(), accept->value().size()}, ',')) {
    range = range.substr(0, range.find(';'));
    while (!range.empty() && range.front() == ' ') range.remove_prefix(1);
    while (!range.empty() && range.back() == ' ') range.remove_suffix(1);
    if (range == "*/*" || equal_ignoring_case(range, media_type)) return true;
    const bool family = range.size() == slash + 2 && range.ends_with("/*");
    if (family && equal_ignoring_case(range.substr(0, slash), media_type.substr(0, slash))) return true;
  }
  return false;
}

std::string http_date(std::time_t time) {
  std::tm utc{};
  ::gmtime_r(&time, &utc);
  char text[40];
  return {text, std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &utc)};
}

}  // namespace parley::signaling
