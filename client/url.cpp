#include "client/url.hpp"

#include <algorithm>
#include <charconv>

#include "transport/base/address.hpp"
#include "transport/base/log.hpp"

namespace parley::client {

namespace {

bool is_alnum(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// RFC 1123 section 2.1 host names (which dotted IPv4 literals also fit).
bool is_host_name(std::string_view host) {
  if (host.empty() || host.size() > 253) return false;
  while (!host.empty()) {
    const auto dot = host.find('.');
    const auto label = host.substr(0, dot);
    if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-') return false;
    if (!std::all_of(label.begin(), label.end(), [](char c) { return is_alnum(c) || c == '-'; }))
      return false;
    if (dot == std::string_view::npos) break;
    host.remove_prefix(dot + 1);
    if (host.empty()) return false;
  }
  return true;
}

bool is_dotted_number(std::string_view host) {
  return std::all_of(host.begin(), host.end(), [](char c) { return (c >= '0' && c <= '9') || c == '.'; });
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return out;
}

Error bad(std::string_view text, const std::string& why) {
  return {"server URL \"" + log::printable(text) + "\": " + why +
          " (expected http://HOST[:PORT] or https://HOST[:PORT])"};
}

}  // namespace

std::string ServerUrl::authority() const {
  const bool v6 = host.find(':') != std::string::npos;
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

Result<ServerUrl> parse_server_url(std::string_view text) {
  const auto colon = text.find("://");
  if (colon == std::string_view::npos) return bad(text, "has no scheme");
  const std::string scheme = lower(text.substr(0, colon));
  const bool tls = scheme == "https" || scheme == "wss";
  if (!tls && scheme != "http" && scheme != "ws") return bad(text, "unknown scheme");

  std::string_view rest = text.substr(colon + 3);
  if (const auto end = rest.find_first_of("/?#"); end != std::string_view::npos) {
    if (rest.substr(end) != "/") return bad(text, "has a path, query or fragment");
    rest = rest.substr(0, end);
  }
  if (rest.find('@') != std::string_view::npos) return bad(text, "has user information");

  ServerUrl url;
  std::string_view port;
  bool has_port = false;
  if (!rest.empty() && rest.front() == '[') {
    const auto close = rest.find(']');
    if (close == std::string_view::npos) return bad(text, "has no closing bracket");
    const auto address = IpAddress::parse(rest.substr(1, close - 1));
    if (!address || address->is_v4()) return bad(text, "has no IPv6 address between its brackets");
    url.host = address->to_string();
    rest.remove_prefix(close + 1);
    if (!rest.empty() && rest.front() != ':') return bad(text, "has something after the bracket");
    has_port = !rest.empty();
    port = has_port ? rest.substr(1) : rest;
  } else {
    const auto at = rest.find(':');
    has_port = at != std::string_view::npos;
    port = has_port ? rest.substr(at + 1) : std::string_view{};
    url.host = lower(rest.substr(0, at));
    if (!is_host_name(url.host)) return bad(text, "has no valid host name");
    if (is_dotted_number(url.host) && !IpAddress::parse(url.host))
      return bad(text, "has no valid IPv4 address");
  }

  url.tls = tls;
  url.port = tls ? 443 : 80;
  if (has_port) {
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), url.port);
    if (error != std::errc{} || end != port.data() + port.size() || url.port == 0)
      return bad(text, "has no valid port");
  }
  return url;
}

std::string encode_path_segment(std::string_view text) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    if (is_alnum(c) || c == '-' || c == '.' || c == '_' || c == '~') {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += {'%', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  // "." and ".." are path operators even when every character is unreserved.
  if (out == "." || out == "..") {
    std::string dots;
    for (std::size_t i = 0; i < out.size(); ++i) dots += "%2E";
    return dots;
  }
  return out;
}

}  // namespace parley::client
