#include "mcu/signaling/gate.hpp"

#include <algorithm>
#include <cctype>

#include "mcu/signaling/problem.hpp"
#include "transport/base/ids.hpp"

namespace parley::signaling {
namespace {

constexpr std::size_t kShortestKey = 8;

// "https://Meet.example.org:443" -> "meet.example.org:443"
std::string_view without_scheme(std::string_view origin) {
  const auto mark = origin.find("://");
  return mark == std::string_view::npos ? std::string_view() : origin.substr(mark + 3);
}

std::string_view without_suffix(std::string_view text, std::string_view suffix) {
  if (text.size() > suffix.size() && text.ends_with(suffix)) text.remove_suffix(suffix.size());
  return text;
}

std::string_view without_default_port(std::string_view scheme, std::string_view host) {
  return without_suffix(host, scheme == "https" ? ":443" : ":80");
}

// The host of "host", "host:port", "[v6]" or "[v6]:port".
std::string_view host_only(std::string_view authority) {
  if (authority.starts_with('[')) {
    const auto close = authority.find(']');
    return close == std::string_view::npos ? std::string_view() : authority.substr(1, close - 1);
  }
  return authority.substr(0, authority.find(':'));
}

}  // namespace

Moment Moment::now() {
  return {parley::now(), std::chrono::system_clock::now()};
}

Status Gate::check(const SignalingSettings& settings) {
  const auto listen = settings.listen.to_string();
  if (settings.admin_key.empty() && !settings.listen.ip.is_loopback())
    return Error{"http.listen " + listen + " is not the loopback: auth.admin_key must be set", 0};
  for (const auto& [name, key] :
       {std::pair("auth.admin_key", &settings.admin_key), std::pair("auth.token_key", &settings.token_key)}) {
    if (!key->empty() && key->size() < kShortestKey)
      return Error{std::string(name) + " has less than " + std::to_string(kShortestKey) + " characters", 0};
  }
  return Done{};
}

// --- Where the request comes from

bool Gate::is_same_origin(std::string_view origin, std::string_view host) const {
  const auto scheme = origin.substr(0, origin.find("://"));
  if (scheme != "http" && scheme != "https") return false;
  const auto own = without_default_port(scheme, host);
  return !own.empty() && equal_ignoring_case(without_default_port(scheme, without_scheme(origin)), own);
}

bool Gate::is_allowed_origin(std::string_view origin) const {
  const auto& allowed = settings_.allowed_origins;
  return std::any_of(allowed.begin(), allowed.end(), [origin](const std::string& one) {
    return one == "*" || equal_ignoring_case(one, origin);
  });
}

bool Gate::is_trusted_host(std::string_view host) const {
  const auto name = host_only(host);
  if (IpAddress::parse(name) || equal_ignoring_case(name, "localhost")) return true;
  const auto& allowed = settings_.allowed_origins;
  return std::any_of(allowed.begin(), allowed.end(), [name](const std::string& one) {
    return !name.empty() && equal_ignoring_case(host_only(without_scheme(one)), name);
  });
}

std::optional<Response> Gate::refuse_stranger(const Request& request) const {
  const auto host = request.header(http::field::host);
  if (request.headers.count(http::field::host) > 1 || request.headers.count(http::field::origin) > 1)
    return problem(400, "bad-request", "Host and Origin may be given once");
  if (settings_.admin_key.empty() && !host.empty() && !is_trusted_host(host))
    return problem(
        403, "forbidden",
        "without an admin key this server answers to addresses, localhost and http.allowed_origins only");
  const auto origin = request.header(http::field::origin);
  if (origin.empty() || is_same_origin(origin, host) || is_allowed_origin(origin)) return std::nullopt;
  return problem(403, "forbidden", "this origin is not in http.allowed_origins");
}

std::string Gate::cors_origin(const Request& request) const {
  const auto origin = request.header(http::field::origin);
  return !origin.empty() && is_allowed_origin(origin) ? origin : std::string();
}

// --- What it may do

std::optional<Response> Gate::refuse_access(Access access, const Request& request, const Moment& now) const {
  if (access == Access::open || settings_.admin_key.empty()) return std::nullopt;
  const auto bearer = request.bearer();
  if (bearer.empty()) return problem(401, "bad-token", "this needs the admin key");
  if (equal_constant_time(bearer, settings_.admin_key)) return std::nullopt;
  const auto claims = verify_token(bearer, settings_.token_key, now.wall);
  if (!claims) return problem(401, "bad-token", "neither the admin key nor a valid token");
  const auto room = request.variables.find("room");
  const bool allowed = !claims->calls && access == Access::moderator &&
                       claims->role == room::Role::moderator && !claims->once &&
                       room != request.variables.end() && room->second == claims->room;
  if (allowed) return std::nullopt;
  return problem(403, "forbidden", "this token does not allow that");
}

Result<std::optional<room::Admission>> Gate::admission(std::string_view token, std::string_view room,
                                                       const Moment& now) const {
  if (token.empty() || settings_.token_key.empty()) return std::optional<room::Admission>();
  auto claims = verify_token(token, settings_.token_key, now.wall);
  if (!claims) return claims.error();
  if (claims->calls || claims->room != room)
    return room::refuse(room::RefusalCode::bad_token, "the token is for another room");
  room::Admission admission;
  admission.name = claims->name;
  admission.role = claims->role;
  admission.expires = now.steady + std::chrono::duration_cast<Duration>(claims->expires - now.wall);
  if (claims->once) admission.once_key = claims->id;
  return std::optional(std::move(admission));
}

void Gate::admit(room::JoinRequest& join, std::string_view token, std::string_view room,
                 const Moment& now) const {
  auto given = admission(token, room, now);
  if (given)
    join.admission = std::move(*given);
  else
    join.bad_token = given.error();
}

void Gate::admit(room::CallParty& who, std::string_view token, const Moment& now) const {
  if (token.empty() || settings_.token_key.empty()) return;
  const auto claims = verify_token(token, settings_.token_key, now.wall);
  if (!claims)
    who.bad_token = claims.error();
  else if (!claims->calls)
    who.bad_token = room::refuse(room::RefusalCode::bad_token, "the token is for a room, not for calls");
  else
    who.admitted_name = claims->name;
}

}  // namespace parley::signaling
