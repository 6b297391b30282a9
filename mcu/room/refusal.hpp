// Why the rooms refuse something: one list for all doors. A refusal travels as parley::Error whose code is a
// RefusalCode; the WebSocket shows its text (docs/protocol.md), HTTP its status (docs/http-api.md).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "transport/base/result.hpp"

namespace parley::room {

enum class RefusalCode : std::uint8_t {
  not_joined,
  already_joined,
  no_such_room,
  no_such_participant,
  forbidden,
  wrong_pin,
  bad_token,
  locked,
  room_full,
  server_full,
  bad_sdp,
  not_acceptable,
  conflict,
  too_many,
  bad_value,
  name_taken,
  server_stopping,
  no_such_call,
};

Error refuse(RefusalCode code, std::string what);
RefusalCode refusal_code(const Error& error);

std::string_view text(RefusalCode code);  // "wrong-pin"
int http_status(RefusalCode code);        // 403

// A MediaPort speaks in HTTP statuses (ports.hpp).
RefusalCode refusal_from_media(int http_status);

}  // namespace parley::room
