// Each feature's routes, added to context.router. Handlers keep a reference to the context, which owns them.
#pragma once

#include "mcu/signaling/context.hpp"

namespace parley::signaling {

void add_health_routes(Context& context);
void add_page_routes(Context& context);
void add_invitation_routes(Context& context);
void add_whip_routes(Context& context);
void add_room_routes(Context& context);
void add_participant_routes(Context& context);
void add_recording_routes(Context& context);
void add_call_routes(Context& context);

void add_broadcast_routes(Context& context);

void add_all_routes(Context& context);

}  // namespace parley::signaling
