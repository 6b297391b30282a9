// Who may do what: origins (RFC 6454), host names, the admin key and tokens.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "mcu/room/calls.hpp"
#include "mcu/room/types.hpp"
#include "mcu/signaling/http.hpp"
#include "mcu/signaling/router.hpp"
#include "mcu/signaling/settings.hpp"
#include "mcu/signaling/token.hpp"
#include "transport/base/result.hpp"
#include "transport/base/time.hpp"

namespace parley::signaling {

// Now, on both clocks: tokens expire by the wall clock, everything else runs on the steady one.
struct Moment {
  TimePoint steady{};
  WallTime wall{};
  static Moment now();
};

class Gate {
 public:
  explicit Gate(const SignalingSettings& settings) : settings_(settings) {}

  // Whether this server may listen as it is told: keys that are missing or too short to be secrets.
  static Status check(const SignalingSettings& settings);

  // Foreign pages (by Origin) and, while there is no admin key, foreign names (by Host): a page whose name
  // was made to point to 127.0.0.1 must not reach an API that trusts the loopback. Returns the refusal.
  std::optional<Response> refuse_stranger(const Request& request) const;
  // The value of Access-Control-Allow-Origin; empty when the request is of no other origin.
  std::string cors_origin(const Request& request) const;

  std::optional<Response> refuse_access(Access access, const Request& request, const Moment& now) const;

  // The admission that a join's token gives; nothing when there is no token and none is needed.
  Result<std::optional<room::Admission>> admission(std::string_view token, std::string_view room,
                                                   const Moment& now) const;
  // The same, written into the join: the room refuses a bad token, and counts it, as any other refusal.
  void admit(room::JoinRequest& join, std::string_view token, std::string_view room, const Moment& now) const;
  // Who registers or calls, by a token for calls; a bad one is written into `who`, to be refused there.
  void admit(room::CallParty& who, std::string_view token, const Moment& now) const;

 private:
  bool is_same_origin(std::string_view origin, std::string_view host) const;
  bool is_allowed_origin(std::string_view origin) const;
  bool is_trusted_host(std::string_view host) const;

  SignalingSettings settings_;
};

}  // namespace parley::signaling
