#include "mcu/room/refusal.hpp"

#include <array>
#include <utility>

namespace parley::room {
namespace {

struct Row {
  RefusalCode code;
  std::string_view text;
  int http_status;
};

constexpr std::array kRows{
    Row{RefusalCode::not_joined, "not-joined", 409},
    Row{RefusalCode::already_joined, "already-joined", 409},
    Row{RefusalCode::no_such_room, "no-such-room", 404},
    Row{RefusalCode::no_such_participant, "no-such-participant", 404},
    Row{RefusalCode::forbidden, "forbidden", 403},
    Row{RefusalCode::wrong_pin, "wrong-pin", 403},
    Row{RefusalCode::bad_token, "bad-token", 401},
    Row{RefusalCode::locked, "locked", 403},
    Row{RefusalCode::room_full, "room-full", 503},
    Row{RefusalCode::server_full, "server-full", 503},
    Row{RefusalCode::bad_sdp, "bad-sdp", 400},
    Row{RefusalCode::not_acceptable, "not-acceptable", 406},
    Row{RefusalCode::conflict, "conflict", 409},
    Row{RefusalCode::too_many, "too-many", 429},
    Row{RefusalCode::bad_value, "bad-value", 400},
    Row{RefusalCode::name_taken, "name-taken", 409},
    Row{RefusalCode::server_stopping, "server-stopping", 503},
    Row{RefusalCode::no_such_call, "no-such-call", 404},
};

const Row& row(RefusalCode code) {
  return kRows.at(static_cast<std::size_t>(code));
}

constexpr bool rows_stand_in_order() {
  for (std::size_t i = 0; i < kRows.size(); ++i)
    if (static_cast<std::size_t>(kRows.at(i).code) != i) return false;
  return true;
}
static_assert(rows_stand_in_order());

}  // namespace

Error refuse(RefusalCode code, std::string what) {
  return {std::move(what), static_cast<int>(code)};
}
RefusalCode refusal_code(const Error& error) {
  return static_cast<RefusalCode>(error.code);
}
std::string_view text(RefusalCode code) {
  return row(code).text;
}
int http_status(RefusalCode code) {
  return row(code).http_status;
}

RefusalCode refusal_from_media(int http_status) {
  switch (http_status) {
    case 403:
      return RefusalCode::forbidden;
    case 406:
      return RefusalCode::not_acceptable;
    case 409:
      return RefusalCode::conflict;
    case 503:
      return RefusalCode::server_full;
    default:
      return RefusalCode::bad_sdp;
  }
}

}  // namespace parley::room
