#include "mcu/app/call_control.hpp"

#include "mcu/signaling/token.hpp"

namespace parley::app {

room::CallSettings CallControl::call_settings(const settings::Settings& settings) {
  room::CallSettings out;
  out.ring_timeout = settings.calls.ring_timeout;
  out.calls_per_minute = settings.calls.per_minute;
  out.requests_per_second_per_address = settings.limits.joins_per_second_per_address;
  out.max_names = settings.limits.participants;
  out.token_required = !settings.auth.token_key.empty();
  return out;
}

std::string CallControl::invite(const std::string& room, const std::string& name) {
  if (token_key_.empty()) return {};
  signaling::TokenClaims claims;
  claims.room = room;
  claims.name = name;
  claims.expires = std::chrono::system_clock::now() + kTokenLife;
  return signaling::sign_token(claims, token_key_);
}

}  // namespace parley::app
