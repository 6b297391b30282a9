// The values that pass in and out of RoomService. Levels are in -dBov (127: silence), gains in dB.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "mcu/room/ports.hpp"
#include "transport/base/ids.hpp"
#include "transport/base/result.hpp"
#include "transport/base/time.hpp"

namespace parley::room {

using ParticipantId = std::string;  // 12 random characters [a-zA-Z0-9], never reused

// A client's signalling connection, numbered by the signalling server; 0 is "none" (joined by WHIP).
enum class ConnectionId : std::uint64_t { none = 0 };

enum class Role : std::uint8_t { participant, moderator };
const char* to_string(Role role);

// Whether a call of two may leave the server: when nothing needs it there, never, or as `automatic` but tried
// again and again.
enum class DirectPolicy : std::uint8_t { automatic, never, always };
const char* to_string(DirectPolicy policy);

struct RoomSettings {
  Duration idle_timeout = 60s;  // a room without people is closed after this
  std::size_t max_rooms = 1000;
  std::size_t max_participants = 2000;           // of the server
  std::size_t max_participants_per_room = 1000;  // where a room states none
  int max_talkers = 8;                           // where a room states none; 0: all
  double joins_per_second = 200;                 // of the server
  double joins_per_second_per_address = 10;      // loopback is exempt
  // The role of who joins without a token. `moderator` only where nothing but loopback can reach an HTTP
  // server without keys.
  Role default_role = Role::participant;
  DirectPolicy direct = DirectPolicy::automatic;  // where a room states none
  bool direct_probing = true;                     // the two ends may try ports that nobody has named
  bool token_required = false;                    // a token key is configured: nobody joins without a token
};

struct RoomOptions {
  std::string name{};
  std::string pin{};  // empty: none
  std::optional<std::size_t> max_participants{};
  std::optional<int> max_talkers{};
  bool record = false;  // from the first participant on
  std::optional<DirectPolicy> direct{};
};

// What a verified token says (mcu/signaling/token.hpp checks the signature, the times and the room).
struct Admission {
  std::string name;  // replaces the name asked for; empty: none stated
  Role role = Role::participant;
  std::string once_key;  // not empty: identifies a token that admits one join
  TimePoint expires{};   // of the token, on the steady clock
};

struct JoinRequest {
  std::string room, name, pin;
  std::string resume;  // a resume token of this room, or empty
  std::optional<Admission> admission;
  std::optional<Error> bad_token;  // what is wrong with the token that was shown: a refusal like the others
  std::string sdp;                 // the offer
  std::string remote_ip;
  ConnectionId connection = ConnectionId::none;
  bool consent = true;
  bool applies_gain = true;  // of one with a connection: it follows gain advice
  bool direct = false;       // the client can take part in direct calls
};

// One end of a direct call as it describes itself to the other; the server passes it on unread.
struct DirectTerms {
  std::string call, ufrag, pwd, fingerprint;
  std::vector<std::string> candidates;
};

// What everybody may know of a participant (docs/protocol.md).
struct ParticipantInfo {
  ParticipantId id;
  std::string name;
  Role role = Role::participant;
  bool muted = false;  // by a moderator or itself
  bool sends = true, receives = true;
  bool talking = false;
  std::uint8_t level = 127;
  bool hand = false;
  std::string codec, transport;    // empty: no media
  Carrier carrier = Carrier::udp;  // never `both`: that is websocket still
  std::uint32_t csrc = 0;          // by which mixed packets name this participant (RFC 3550); 0: no media
  float gain_db = 0;
  std::uint32_t group = 0;
  bool consent = true;
};

struct Joined {
  RoomId media_room = RoomId::none;
  std::string room;
  ParticipantId participant;
  Role role = Role::participant;
  std::string resume;  // secret: whoever holds it is this participant
  LegAnswer answer;
  std::vector<ParticipantInfo> roster;  // including oneself
  bool locked = false, recording = false, streaming = false;
};

struct RoomInfo {
  std::string name;
  std::size_t participants = 0;
  std::size_t max_participants = 0;
  int max_talkers = 0;
  bool has_pin = false, locked = false, recording = false;
  bool streaming = false;  // its mix goes to somewhere outside, or would if that could be reached
  bool direct = false;     // its media goes from peer to peer
  Duration age{};
};

// A leg's traffic as the transport measures it, about once a second (in: participant to server).
struct TrafficReport {
  std::uint64_t packets_in = 0, packets_out = 0, lost_in = 0, lost_out = 0;  // cumulative
  double fraction_lost_in = 0, fraction_lost_out = 0;                        // of the last interval, 0 to 1
  double jitter_in_ms = 0, jitter_out_ms = 0;
  double round_trip_ms = -1;  // negative: not known yet
};

struct ParticipantQuality {
  ParticipantId id;
  std::string name;
  LegId leg = LegId::none;  // none: no media at present
  bool connected = false;
  TrafficReport traffic;
  std::string client_report;  // JSON object, empty: none yet
};

struct PersonalGain {
  std::optional<float> db{};  // neither: back to 0 dB
  bool mute = false;
};

enum class LegGone : std::uint8_t { timeout, bye, closed, failed };

struct ServiceCounts {
  std::size_t rooms = 0, participants = 0, legs = 0;
  std::map<std::string, std::size_t> legs_by_transport;  // "dtls-srtp", "rtp"
  std::map<std::string, std::size_t> legs_by_carrier;    // "udp", "websocket"
  std::map<std::string, std::size_t> legs_by_codec;      // "opus", "PCMU", "PCMA"
  std::uint64_t joins = 0;
  std::map<std::string, std::uint64_t> refused;  // by refusal code
};

}  // namespace parley::room
