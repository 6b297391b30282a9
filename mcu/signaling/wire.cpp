#include "mcu/signaling/wire.hpp"

#include <cmath>
#include <string>
#include <string_view>

#include "mcu/room/refusal.hpp"

namespace parley::signaling {
namespace {

namespace json = boost::json;

std::optional<std::string> unless_empty(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional(text);
}

struct ToWire {
  protocol::ServerBody operator()(const room::ParticipantJoined& e) const {
    return protocol::ParticipantJoined{to_wire(e.participant)};
  }
  protocol::ServerBody operator()(const room::ParticipantUpdated& e) const {
    return protocol::ParticipantUpdated{to_wire(e.participant)};
  }
  protocol::ServerBody operator()(const room::ParticipantLeft& e) const {
    return protocol::ParticipantLeft{e.participant, e.reason};
  }
  protocol::ServerBody operator()(const room::Talking& e) const {
    return protocol::Talking{e.participant, e.talking, e.level};
  }
  protocol::ServerBody operator()(const room::Levels& e) const {
    return protocol::Levels{{e.levels.begin(), e.levels.end()}};
  }
  protocol::ServerBody operator()(const room::RoomUpdated& e) const {
    return protocol::RoomUpdated{e.locked, e.recording, e.streaming};
  }
  protocol::ServerBody operator()(const room::Chat& e) const {
    return protocol::Chat{e.participant, e.name, e.text};
  }
  protocol::ServerBody operator()(const room::GainAdvice& e) const {
    return protocol::GainAdvice{static_cast<double>(e.db)};
  }
  protocol::ServerBody operator()(const room::Uplink& e) const {
    const auto round_trip = e.round_trip_ms < 0 ? std::nullopt : std::optional(e.round_trip_ms);
    return protocol::Uplink{e.loss, e.jitter_ms, round_trip};
  }
  protocol::ServerBody operator()(const room::DelayAlarm& e) const {
    return protocol::DelayAlarm{e.participant, e.delay_ms};
  }
  protocol::ServerBody operator()(const room::RecordingTrouble& e) const {
    return protocol::RecordingTrouble{e.recording, e.state, unless_empty(e.cause)};
  }
  protocol::ServerBody operator()(const room::StreamChanged& e) const {
    return protocol::StreamChanged{e.id, e.url, e.state, unless_empty(e.cause)};
  }
  protocol::ServerBody operator()(const room::Playback& e) const {
    return protocol::Playback{e.id,         e.title,
                              e.state,      unless_empty(e.cause),
                              e.position_s, e.duration_s < 0 ? std::nullopt : std::optional(e.duration_s)};
  }
  protocol::ServerBody operator()(const room::DirectStart& e) const {
    return protocol::DirectStart{e.call, e.peer, e.controlling, e.probing};
  }
  protocol::ServerBody operator()(const room::DirectPeer& e) const {
    return protocol::DirectPeer{e.terms.call, e.terms.ufrag, e.terms.pwd, e.terms.fingerprint,
                                e.terms.candidates};
  }
  protocol::ServerBody operator()(const room::DirectAddress& e) const {
    return protocol::DirectAddress{e.call, e.address};
  }
  protocol::ServerBody operator()(const room::DirectPeerState& e) const {
    return protocol::DirectPeerState{e.call, e.state};
  }
  protocol::ServerBody operator()(const room::DirectStop& e) const {
    return protocol::DirectStop{e.call, e.reason};
  }
  protocol::ServerBody operator()(const room::Closed& e) const {
    return protocol::Closed{e.reason, e.message};
  }
};

}  // namespace

protocol::Role to_wire(room::Role role) {
  return role == room::Role::moderator ? protocol::Role::moderator : protocol::Role::participant;
}

protocol::Participant to_wire(const room::ParticipantInfo& info) {
  protocol::Participant wire;
  wire.id = info.id;
  wire.name = info.name;
  wire.role = to_wire(info.role);
  wire.muted = info.muted;
  wire.sends = info.sends;
  wire.receives = info.receives;
  wire.talking = info.talking;
  wire.level = info.level;
  wire.hand = info.hand;
  wire.codec = unless_empty(info.codec);
  wire.transport = unless_empty(info.transport);
  if (!info.transport.empty()) wire.carrier = info.carrier;
  if (info.csrc != 0) wire.csrc = info.csrc;
  wire.gain_db = static_cast<double>(info.gain_db);
  wire.group = info.group;
  wire.consent = info.consent;
  return wire;
}

protocol::Joined to_wire(const room::Joined& joined) {
  protocol::Joined wire;
  wire.room = joined.room;
  wire.participant = joined.participant;
  wire.role = to_wire(joined.role);
  wire.resume = joined.resume;
  wire.sdp = joined.answer.sdp;
  wire.roster.reserve(joined.roster.size());
  for (const auto& info : joined.roster) wire.roster.push_back(to_wire(info));
  wire.locked = joined.locked;
  wire.recording = joined.recording;
  wire.streaming = joined.streaming;
  return wire;
}

protocol::ServerBody to_wire(const room::Event& event) {
  return std::visit(ToWire{}, event);
}

protocol::Failure to_failure(const Error& refusal) {
  const auto code = room::refusal_code(refusal);
  return {std::string(room::text(code)), refusal.what, room::http_status(code)};
}

json::value json_number(double value) {
  constexpr double kExact = 9'007'199'254'740'992.0;  // 2^53
  if (std::abs(value) <= kExact && std::nearbyint(value) == value) return static_cast<std::int64_t>(value);
  return std::isfinite(value) ? json::value(value) : json::value(0);
}

json::object to_json(const room::ParticipantInfo& info) {
  json::object object{{"id", info.id},           {"name", info.name},   {"role", room::to_string(info.role)},
                      {"muted", info.muted},     {"sends", info.sends}, {"receives", info.receives},
                      {"talking", info.talking}, {"level", info.level}, {"hand", info.hand}};
  if (!info.codec.empty()) object["codec"] = info.codec;
  if (!info.transport.empty()) object["transport"] = info.transport;
  if (!info.transport.empty()) object["carrier"] = to_string(info.carrier);
  if (info.csrc != 0) object["csrc"] = info.csrc;
  object["gain_db"] = json_number(static_cast<double>(info.gain_db));
  object["group"] = info.group;
  object["consent"] = info.consent;
  return object;
}

json::object to_json(const room::RoomInfo& info) {
  return {{"name", info.name},
          {"participants", info.participants},
          {"max_participants", info.max_participants},
          {"max_talkers", info.max_talkers},
          {"pin", info.has_pin},
          {"locked", info.locked},
          {"recording", info.recording},
          {"streaming", info.streaming},
          {"direct", info.direct},
          {"age_s", static_cast<std::int64_t>(to_seconds(info.age))}};
}

}  // namespace parley::signaling
