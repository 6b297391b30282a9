// The state behind RoomService: rooms and who is in them. Private to mcu/room.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mcu/room/types.hpp"

namespace parley::room {

struct Room;

struct Participant {
  ParticipantInfo info;  // as everybody sees it; `muted` is the sum of the two below
  std::string resume;
  ConnectionId connection = ConnectionId::none;

  LegId leg = LegId::none;
  bool connected = false;
  bool direct = false;           // its client can
  bool heard_talking = false;    // by the server
  bool reports_talking = false;  // by itself, in a direct call
  std::string address;           // where its media comes from
  std::uint32_t ice_generation = 0;

  bool muted_by_moderator = false, muted_by_self = false;
  bool of_call = false;                                  // from before a restart: its room was a call of two
  std::map<ParticipantId, PersonalGain> personal_gains;  // by talker; only those that differ from 0 dB
  bool whispers = false;
  // Some may be lost for the moment or gone for good: when none is left nobody hears it, never everybody.
  std::vector<ParticipantId> whispers_to;
  bool whispers_to_includes(const ParticipantId& id) const;
  float whisper_duck_db = 0;

  TrafficReport traffic;
  std::string client_report;
  std::optional<PathReport> mcu_report, direct_report;
  struct {
    double loss = 0, jitter_ms = 0, round_trip_ms = -1;
    std::optional<TimePoint> at;
  } uplink_told;
  std::optional<float> gain_advised;
  bool level_changed = false;
};

struct DirectCall {
  std::string id;
  std::array<ParticipantId, 2> ends;  // the first controls
  std::array<bool, 2> active{};       // that end listens to the direct path
  bool has(const ParticipantId& who) const { return ends[0] == who || ends[1] == who; }
};

struct Room {
  RoomOptions options;
  std::size_t max_participants = 0;
  int max_talkers = 0;
  TimePoint created{};
  TimePoint empty_since{};
  TimePoint together_at{};  // of a call: two were in it then
  bool locked = false, recording = false, streaming = false;
  std::optional<DirectCall> direct;  // tried or running
  TimePoint direct_not_before{};
  Duration direct_pause{};
  RoomId media = RoomId::none;                       // none: no legs, nothing runs
  std::size_t media_holds = 0;                       // streams and players that need the media
  std::vector<std::unique_ptr<Participant>> people;  // in the order they came

  const std::string& name() const { return options.name; }
  Participant* find(std::string_view id) const;
  std::size_t legs() const;
};

// Somebody who was lost and may come back.
struct Ticket {
  std::string room;
  std::unique_ptr<Participant> participant;
  TimePoint expires{};
};

}  // namespace parley::room
