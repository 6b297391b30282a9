// Errors over HTTP: problem details (RFC 9457) with one member of our own, `code`, which is that of
// docs/protocol.md.
#pragma once

#include <string>
#include <string_view>

#include "mcu/room/refusal.hpp"
#include "mcu/signaling/http.hpp"

namespace parley::signaling {

Response problem(int status, std::string_view code, std::string_view detail);
// A refusal of the rooms.
Response problem(const Error& refusal);
// 204, or the refusal.
Response done_or_problem(const Status& status);

}  // namespace parley::signaling
