// The signalling messages of docs/protocol.md: one struct each, one table (messages.cpp) that both ends parse
// and write by.
//
// Pure. Texts come from strangers: type, range, length and UTF-8 of every field are checked; duplicate keys,
// NaN and infinity, nesting deeper than kMaxDepth and oversized messages are refused. Unknown fields are
// ignored.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "transport/base/carrier.hpp"
#include "transport/protocol/text.hpp"

namespace parley::protocol {

inline constexpr std::size_t kMaxClientMessage = 256 * 1024;  // bytes, client to server
inline constexpr std::size_t kMaxServerMessage =
    4 * 1024 * 1024;  // bytes, server to client (a roster of thousands)
inline constexpr std::size_t kMaxDepth = 16;
inline constexpr std::size_t kMaxCandidates = 20;  // of one end of a direct call
inline constexpr std::uint64_t kMaxRequestId =
    (std::uint64_t{1} << 53) - 1;  // what every JSON reader keeps exact

using RequestId = std::uint64_t;

// --- Requests of a client

struct Join {
  std::string room, sdp;
  std::optional<std::string> name, pin, token, resume;
  bool consent = true;
  bool applies_gain = true;  // follows `gain-advice`; otherwise the mixer levels this participant
  bool direct = false;       // can take part in direct calls
};
struct Leave {};
struct Update {
  std::optional<bool> sends, receives;
};
struct IceRestart {
  std::string ufrag, pwd;
};
// What is to carry this participant's media. Binary frames, each one RTP or RTCP packet, mean something only
// after `websocket` or `both` was granted.
struct SetCarrier {
  Carrier carrier = Carrier::udp;
};
struct MuteSelf {
  bool muted = false;
};
struct RaiseHand {
  bool raised = false;
};
struct SendChat {
  std::string text;
};
struct SetPersonalGain {
  std::string talker;
  std::optional<double> db;  // -40 to 12; neither: back to 0 dB
  bool mute = false;
};
struct Whisper {
  std::vector<std::string> to;    // empty: everybody again; at most 1000
  std::optional<double> duck_db;  // -40 to 0
};
struct Mute {
  std::string participant;
};
struct Unmute {
  std::string participant;
};
struct Kick {
  std::string participant;
  std::optional<std::string> reason;
};
struct SetGain {
  std::string participant;
  double db = 0;  // -40 to 12
};
struct SetGroup {
  std::string participant;
  std::uint32_t group = 0;
};
struct Lock {};
struct Unlock {};
struct MuteAll {};
struct StartRecording {};
struct StopRecording {};
struct ReportStats {
  std::string report;  // a JSON object as text, at most kMaxReport bytes
};
// One end of a direct call: what the peer needs to find it and to know that it is it.
struct DirectOffer {
  std::string call, ufrag, pwd, fingerprint;
  std::vector<std::string> candidates;  // "192.0.2.1:5004", best first; at most kMaxCandidates
};
struct DirectState {
  std::string call;
  std::string state;  // ready, active, trouble, failed, ports-constant, ports-vary
  std::optional<std::string> reason;
};
struct Ping {};

using Request =
    std::variant<Join, Leave, Update, IceRestart, SetCarrier, MuteSelf, RaiseHand, SendChat, SetPersonalGain,
                 Whisper, Mute, Unmute, Kick, SetGain, SetGroup, Lock, Unlock, MuteAll, StartRecording,
                 StopRecording, ReportStats, DirectOffer, DirectState, Ping>;

struct ClientMessage {
  RequestId id = 0;
  Request body;
};

// --- Answers and events of the server

enum class Role : std::uint8_t { participant, moderator };

struct Participant {
  std::string id, name;
  Role role = Role::participant;
  bool muted = false;  // by a moderator or itself
  bool sends = true, receives = true;
  bool talking = false;
  std::uint8_t level = 127;  // -dBov
  bool hand = false;
  std::optional<std::string> codec, transport;  // none: no media at present
  std::optional<Carrier> carrier;               // likewise; never `both`
  std::optional<std::uint32_t> csrc;            // likewise; names the participant in RTP's CSRC lists
  double gain_db = 0;
  std::uint32_t group = 0;
  bool consent = true;
};

struct Joined {
  std::string room, participant;
  Role role = Role::participant;
  std::string resume, sdp;
  std::vector<Participant> roster;
  bool locked = false, recording = false, streaming = false;
};
struct Ok {};
struct Failure {  // `error`
  std::string code;
  std::string message;  // a sentence
  int status = 400;     // the HTTP status that fits
};
struct Ice {
  std::string ufrag, pwd;
};
struct Pong {};

struct ParticipantJoined {
  Participant participant;
};
struct ParticipantUpdated {
  Participant participant;
};
struct ParticipantLeft {
  std::string participant, reason;
};
struct Talking {
  std::string participant;
  bool talking = false;
  std::uint8_t level = 127;
};
struct Levels {
  std::map<std::string, std::uint8_t> levels;  // participant -> -dBov
};
struct RoomUpdated {
  bool locked = false, recording = false, streaming = false;
};
struct Chat {
  std::string participant, name, text;
};
struct GainAdvice {
  double db = 0;
};
struct Uplink {
  double loss = 0;  // 0 to 1
  double jitter_ms = 0;
  std::optional<double> round_trip_ms;  // none: not known yet
};
struct DelayAlarm {  // to moderators
  std::string participant;
  double delay_ms = 0;
};
struct RecordingTrouble {  // to moderators
  std::string recording, state;
  std::optional<std::string> cause;
};
struct StreamChanged {
  std::string stream, url, state;
  std::optional<std::string> cause;
};
struct Playback {
  std::string sound, title, state;
  std::optional<std::string> cause;
  double position_s = 0;
  std::optional<double> duration_s;
};
struct DirectStart {
  std::string call, peer;  // a participant
  bool controlling = false;
  bool probing = true;  // ports that nobody has named may be tried
};
struct DirectPeer {
  std::string call, ufrag, pwd, fingerprint;
  std::vector<std::string> candidates;
};
struct DirectAddress {  // where the server sees the peer's packets come from
  std::string call, address;
};
struct DirectPeerState {
  std::string call, state;
};
struct DirectStop {
  std::string call, reason;
};
struct Closed {
  std::string reason, message;
};

using ServerBody = std::variant<Joined, Ok, Failure, Ice, Pong, ParticipantJoined, ParticipantUpdated,
                                ParticipantLeft, Talking, Levels, RoomUpdated, Chat, GainAdvice, Uplink,
                                DelayAlarm, RecordingTrouble, StreamChanged, Playback, DirectStart,
                                DirectPeer, DirectAddress, DirectPeerState, DirectStop, Closed>;

struct ServerMessage {
  std::optional<RequestId> id;  // of the request that is answered; events have none
  ServerBody body;
};

// --- Text

// A message that could not be taken. It is what the `error` answer to it says.
struct Refused {
  std::optional<RequestId> id;  // if it could be read
  Failure failure;              // bad-message, unknown-type or bad-value, status 400
};

std::variant<ClientMessage, Refused> parse_client_message(std::string_view text);
std::variant<ServerMessage, Refused> parse_server_message(std::string_view text);

// Numbers that are not finite are written as 0, text that is not UTF-8 with U+FFFD in its place: what is
// written can be read.
std::string to_json(const ClientMessage& message);
std::string to_json(const ServerMessage& message);

// The `type` of a message as docs/protocol.md has it: "personal-gain".
std::string_view type_of(const Request& request);
std::string_view type_of(const ServerBody& body);

}  // namespace parley::protocol
