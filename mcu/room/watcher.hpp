// Somebody inside the server who must know who is where: the recorder. Called on ctl, inside RoomService's
// methods, which it may not call from there (looking up is fine).
#pragma once

#include <string>

#include "mcu/room/types.hpp"

namespace parley::room {

class RoomWatcher {
 public:
  struct Arrival {
    const std::string& room;
    RoomId media;
    const ParticipantInfo& who;
    LegId leg;
    bool record;  // the room's own wish
  };

  virtual ~RoomWatcher() = default;
  // A participant has a (new) leg. Returns whether the room is being recorded now.
  virtual bool leg_joined(const Arrival& arrival) = 0;
  virtual void leg_gone(LegId leg) = 0;
  virtual void participant_left(const std::string& room, const ParticipantId& who) = 0;
  virtual void participant_muted(const std::string& room, const ParticipantId& who, LegId leg,
                                 bool muted) = 0;
  virtual void participant_talking(const std::string& room, const ParticipantId& who, bool talking) = 0;
  virtual void room_closed(const std::string& room) = 0;
};

}  // namespace parley::room
