// What the rooms tell their participants' clients (docs/protocol.md, "Events of the server"), and the port
// through which they do.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "mcu/room/types.hpp"

namespace parley::room {

struct ParticipantJoined {
  ParticipantInfo participant;
};
struct ParticipantUpdated {
  ParticipantInfo participant;
};
struct ParticipantLeft {
  ParticipantId participant;
  std::string reason;
};
struct Talking {
  ParticipantId participant;
  bool talking = false;
  std::uint8_t level = 127;
};
struct Levels {
  std::vector<std::pair<ParticipantId, std::uint8_t>> levels;
};
struct RoomUpdated {
  bool locked = false, recording = false, streaming = false;
};
struct Chat {
  ParticipantId participant;
  std::string name, text;
};
struct GainAdvice {
  float db = 0;
};
struct Uplink {
  double loss = 0, jitter_ms = 0, round_trip_ms = -1;
};
struct DelayAlarm {  // to the moderators
  ParticipantId participant;
  double delay_ms = 0;
};
// To the moderators: the disk of a recording has another state: "refused" (it takes nothing), "stalled" (it
// does not answer), "low" (the recording has ended because there is little space), "resumed".
struct RecordingTrouble {
  std::string recording, state, cause;
};
// A stream to the outside has another state: "connecting", "live", "retrying", "stopped". The URL is without
// its secrets.
struct StreamChanged {
  std::string id, url, state, cause;
};
// A sound that is played into the room: "queued", "playing", "ended", "stopped", "failed".
struct Playback {
  std::string id, title, state, cause;
  double position_s = 0;
  double duration_s = -1;  // negative: not known
};
struct DirectStart {  // describe yourself to the peer
  std::string call;
  ParticipantId peer;
  bool controlling = false;
  bool probing = true;  // ports that nobody has named may be tried
};
struct DirectPeer {
  DirectTerms terms;
};
struct DirectAddress {  // of the peer, as the server sees it
  std::string call, address;
};
struct DirectPeerState {
  std::string call, state;
};
struct DirectStop {
  std::string call, reason;
};
struct Closed {  // the last event of a connection; the signalling server closes it after this
  std::string reason, message;
};

using Event =
    std::variant<ParticipantJoined, ParticipantUpdated, ParticipantLeft, Talking, Levels, RoomUpdated, Chat,
                 GainAdvice, Uplink, DelayAlarm, RecordingTrouble, StreamChanged, Playback, DirectStart,
                 DirectPeer, DirectAddress, DirectPeerState, DirectStop, Closed>;

// Called on ctl, inside RoomService's methods: the implementation queues and returns, and calls no method of
// RoomService from here.
class EventSink {
 public:
  virtual ~EventSink() = default;
  virtual void publish(std::span<const ConnectionId> to, const Event& event) = 0;
};

}  // namespace parley::room
