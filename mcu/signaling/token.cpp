#include "mcu/signaling/token.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <boost/json.hpp>
#include <cmath>
#include <cstdint>
#include <optional>

#include "mcu/room/names.hpp"
#include "mcu/room/refusal.hpp"
#include "transport/base/ids.hpp"

namespace parley::signaling {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxToken = 4096;
constexpr double kLatestTime = 9e9;  // seconds since 1970: the year 2255, far from any overflow

std::optional<std::uint8_t> base64url_value(char c) {
  if (c >= 'A' && c <= 'Z') return static_cast<std::uint8_t>(c - 'A');
  if (c >= 'a' && c <= 'z') return static_cast<std::uint8_t>(c - 'a' + 26);
  if (c >= '0' && c <= '9') return static_cast<std::uint8_t>(c - '0' + 52);
  if (c == '-') return std::uint8_t{62};
  if (c == '_') return std::uint8_t{63};
  return std::nullopt;
}

// Without padding (RFC 7515 section 2); bits beyond the last byte must be zero, so that each text has one
// spelling.
std::optional<std::string> decode_base64url(std::string_view text) {
  if (text.size() % 4 == 1) return std::nullopt;
  std::string out;
  std::uint32_t bits = 0;
  unsigned have = 0;
  for (const char c : text) {
    const auto value = base64url_value(c);
    if (!value) return std::nullopt;
    bits = (bits << 6U) | *value;
    have += 6;
    if (have >= 8) {
      have -= 8;
      out.push_back(static_cast<char>(bits >> have));
      bits &= (1U << have) - 1;
    }
  }
  if (bits != 0) return std::nullopt;
  return out;
}

std::string encode_base64url(std::string_view bytes) {
  static constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string out;
  std::uint32_t bits = 0;
  unsigned have = 0;
  for (const char c : bytes) {
    bits = (bits << 8U) | static_cast<std::uint8_t>(c);
    for (have += 8; have >= 6;) {
      have -= 6;
      out.push_back(kDigits[(bits >> have) & 63U]);
    }
  }
  if (have > 0) out.push_back(kDigits[(bits << (6 - have)) & 63U]);
  return out;
}

std::string hmac_sha256(std::string_view key, std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  const auto* made =
      ::HMAC(::EVP_sha256(), key.data(), static_cast<int>(key.size()),
             reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data(), &size);
  if (made == nullptr) return {};
  return {reinterpret_cast<const char*>(digest.data()), size};
}

std::optional<json::object> decode_object(std::string_view base64url) {
  const auto text = decode_base64url(base64url);
  if (!text) return std::nullopt;
  json::parse_options options;
  options.max_depth = 4;
  json::error_code error;
  auto value = json::parse(*text, error, {}, options);
  if (error || !value.is_object()) return std::nullopt;
  return std::move(value.as_object());
}

std::optional<WallTime> numeric_date(const json::value& value) {
  json::error_code error;
  const auto seconds = value.to_number<double>(error);
  if (error || !std::isfinite(seconds) || seconds < 0 || seconds > kLatestTime) return std::nullopt;
  return WallTime(std::chrono::duration_cast<WallTime::duration>(std::chrono::duration<double>(seconds)));
}

Error bad(const char* what) {
  return room::refuse(room::RefusalCode::bad_token, what);
}

// An absent claim leaves `out` as it is; one of a wrong type is an error.
bool read_text(const json::object& claims, std::string_view name, std::string& out) {
  const auto* value = claims.if_contains(name);
  if (value == nullptr) return true;
  if (!value->is_string()) return false;
  out = std::string(value->as_string());
  return true;
}

bool header_is_hs256(const json::object& header) {
  std::string algorithm;
  return read_text(header, "alg", algorithm) && algorithm == "HS256" && !header.contains("crit");
}

Result<TokenClaims> read_claims(const json::object& claims, WallTime at) {
  TokenClaims read;
  std::string role = "participant";
  if (const auto* calls = claims.if_contains("calls")) {
    if (!calls->is_bool()) return bad("the token's `calls` is neither true nor false");
    read.calls = calls->as_bool();
  }
  if (read.calls ? claims.contains("room")
                 : !read_text(claims, "room", read.room) || !room::valid_room_name(read.room))
    return bad(read.calls ? "a token for calls names no room" : "the token names no room");
  if (!read_text(claims, "name", read.name)) return bad("the token's name is no text");
  if (read.calls && (read.name.empty() || !room::display_name(read.name)))
    return bad("the token for calls has no name");
  if (!read_text(claims, "role", role) || (role != "participant" && role != "moderator"))
    return bad("the token's role is unknown");
  read.role = role == "moderator" ? room::Role::moderator : room::Role::participant;
  if (read.calls && claims.contains("role")) return bad("a token for calls has no role");

  const auto* expires = claims.if_contains("exp");
  const auto until = expires != nullptr ? numeric_date(*expires) : std::nullopt;
  if (!until) return bad("the token has no time of expiry");
  if (*until <= at) return bad("the token has expired");
  read.expires = *until;
  if (const auto* not_before = claims.if_contains("nbf")) {
    const auto from = numeric_date(*not_before);
    if (!from || *from > at) return bad("the token is not valid yet");
  }
  if (const auto* once = claims.if_contains("once")) {
    if (!once->is_bool()) return bad("the token's `once` is neither true nor false");
    read.once = once->as_bool();
  }
  return read;
}

}  // namespace

std::string hmac_hex(std::string_view text, std::string_view key) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (const char c : hmac_sha256(key, text)) {
    out.push_back(kDigits[static_cast<unsigned char>(c) >> 4U]);
    out.push_back(kDigits[static_cast<unsigned char>(c) & 15U]);
  }
  return out;
}

Result<TokenClaims> verify_token(std::string_view token, std::string_view key, WallTime at) {
  if (key.empty()) return bad("this server takes no tokens");
  const auto first = token.find('.');
  const auto last = token.rfind('.');
  if (token.size() > kMaxToken || first == std::string_view::npos || first == last ||
      token.find('.', first + 1) != last)
    return bad("this is not a token");

  // The signature comes first: nothing a stranger wrote is parsed.
  const auto signature = decode_base64url(token.substr(last + 1));
  const auto expected = hmac_sha256(key, token.substr(0, last));
  if (!signature || expected.empty() || !equal_constant_time(*signature, expected))
    return bad("the token's signature is wrong");

  const auto header = decode_object(token.substr(0, first));
  if (!header || !header_is_hs256(*header)) return bad("the token is not signed by HS256");
  const auto claims = decode_object(token.substr(first + 1, last - first - 1));
  if (!claims) return bad("the token's claims cannot be read");
  auto read = read_claims(*claims, at);
  if (read) read->id = expected;
  return read;
}

std::string sign_token(const TokenClaims& claims, std::string_view key) {
  json::object body{
      {"exp", std::chrono::duration_cast<std::chrono::seconds>(claims.expires.time_since_epoch()).count()},
      {"jti", random_token(16)}};
  if (claims.calls) {
    body["calls"] = true;
  } else {
    body["room"] = claims.room;
    body["role"] = claims.role == room::Role::moderator ? "moderator" : "participant";
  }
  if (!claims.name.empty()) body["name"] = claims.name;
  if (claims.once) body["once"] = true;
  const auto text =
      encode_base64url(R"({"alg":"HS256","typ":"JWT"})") + "." + encode_base64url(json::serialize(body));
  return text + "." + encode_base64url(hmac_sha256(key, text));
}

}  // namespace parley::signaling
