// Keeps rooms' media running for those inside the server who need it: streams and players. Several may hold
// the same room; the last to let go lets the room fall silent again.
//
// Threads: ctl.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "mcu/room/room_service.hpp"

namespace parley::app {

class MediaHolds {
 public:
  explicit MediaHolds(room::RoomService& rooms) : rooms_(rooms) {}

  // The room is made if it is not there. Error.code is an HTTP status.
  Result<RoomId> take(const std::string& room) {
    auto media = rooms_.hold_media(now(), room);
    if (!media) return Error{media.error().what, room::http_status(room::refusal_code(media.error()))};
    names_[*media] = room;
    return *media;
  }
  void give_back(RoomId media) {
    if (const auto found = names_.find(media); found != names_.end())
      rooms_.release_media(now(), found->second, media);
  }
  void closed(RoomId media) { names_.erase(media); }

 private:
  room::RoomService& rooms_;
  std::map<RoomId, std::string> names_;
};

}  // namespace parley::app
