// Calls of two that leave the server's media plane: which rooms may.
#include "mcu/room/room_service_impl.hpp"

namespace parley::room {

Status RoomService::keep_on_mcu(std::string_view name, const std::string& why, bool keep) {
  impl_->owner_.check();
  Room* room = impl_->find_room(name);
  if (room == nullptr) return refuse(RefusalCode::no_such_room, "there is no such room");
  if (keep)
    room->needs_mcu.insert(why);
  else
    room->needs_mcu.erase(why);
  return Done{};
}

}  // namespace parley::room
