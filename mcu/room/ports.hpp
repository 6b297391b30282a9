// What the room logic (pure, ctl thread) needs from the rest of the server. The app implements these ports;
// tests implement them with fakes. Calls go one way and return at once: results that take time come back as
// method calls of RoomService (leg_connected, leg_gone, talking ...).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "transport/base/carrier.hpp"
#include "transport/base/ids.hpp"
#include "transport/base/result.hpp"
#include "transport/base/time.hpp"

namespace parley::room {

struct MediaDirection {
  bool sends = true;     // participant to server
  bool receives = true;  // server to participant
};

// An admitted participant's leg, made from an SDP offer.
struct LegOffer {
  std::string sdp;            // the offer
  std::string remote_ip;      // of the HTTP or WebSocket peer, for plain RTP rules and logs
  bool applies_gain = false;  // the client follows `gain-advice` (auto level `client`)
};
struct LegAnswer {
  LegId leg = LegId::none;
  std::string sdp;
  MediaDirection direction;
  bool encrypted = false;
  std::string codec;  // "opus", "PCMU", "PCMA"
};

struct RoomMediaOptions {
  std::string name;
  int max_talkers = 8;
};

class MediaPort {
 public:
  virtual ~MediaPort() = default;
  virtual void open_room(RoomId room, const RoomMediaOptions& options) = 0;
  virtual void close_room(RoomId room) = 0;
  // Error.code is an HTTP status: 400 malformed, 403 plain RTP from a network not allowed, 406 nothing in
  // common, 409 address and ssrc taken, 503 full.
  virtual Result<LegAnswer> add_leg(RoomId room, const LegOffer& offer) = 0;
  virtual void remove_leg(LegId leg, const std::string& reason) = 0;
  virtual void set_direction(LegId leg, MediaDirection direction) = 0;
  virtual void set_muted(LegId leg, bool muted) = 0;
  virtual void set_gain(LegId leg, float gain_db) = 0;
  virtual void set_personal_gain(LegId listener, LegId talker, std::optional<float> gain_db, bool mute) = 0;
  virtual void set_audience(LegId talker, const std::vector<LegId>& listeners, float duck_db) = 0;
  // Error.code is an HTTP status: 409 the leg has no other carrier than its own, 503 full.
  virtual Status set_carrier(LegId leg, Carrier carrier) = 0;
  virtual void set_group(LegId leg, std::uint32_t group) = 0;
  // WHIP PATCH (RFC 9725 section 4.3): trickled candidates are ignored by an ICE-lite server; an ICE restart
  // gives new credentials. Returns the SDP fragment to answer with, empty for "nothing to say" (204).
  virtual Result<std::string> patch_leg(LegId leg, const std::string& sdp_fragment) = 0;
};

}  // namespace parley::room
