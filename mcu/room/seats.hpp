// What of the rooms outlives the server: who sat where, and which tokens for one join were used.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "mcu/room/types.hpp"
#include "transport/base/time.hpp"

namespace parley::room {

struct Seat {
  std::string room;
  ParticipantId participant;
  std::string name, resume;
  Role role = Role::participant;
  bool muted = false;  // by a moderator
  bool call = false;   // the room is a call of two
};

// Told of every change, on ctl, inside RoomService's methods; queues and returns.
class SeatPort {
 public:
  virtual ~SeatPort() = default;
  virtual void keep(const Seat& seat) = 0;  // new, or changed
  virtual void forget(const ParticipantId& who) = 0;
  virtual void used_once(const std::string& key, TimePoint expires) = 0;
};

struct Memory {
  std::vector<Seat> seats;
  std::vector<std::pair<std::string, TimePoint>> used_once_keys;  // until they expire
};

}  // namespace parley::room
