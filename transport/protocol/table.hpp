// The table of messages: for each its `type`, whether it carries an `id`, and its fields, once. A reader and
// a writer (messages.cpp) go over the same fields.
//
// A field is named with its member and its rule:
//   v.field(key, member, rule)       must be there; a member that is std::optional may be left out
//   v.defaulted(key, member, rule)   may be left out, and then keeps its default
#pragma once

#include "transport/base/address.hpp"
#include "transport/protocol/messages.hpp"

namespace parley::protocol {

// --- Rules

struct Text {  // what is wrong with a text ("must ..."), or nothing
  std::optional<std::string> (*complain)(std::string_view);
};
struct Integer {
  std::uint64_t most;
};
struct Number {
  double least, most;
};
struct Boolean {};
struct JsonObject {};  // an object carried as text
struct RoleWord {};
struct CarrierWord {};
template <typename Rule>
struct ListOf {
  Rule rule;
  std::size_t most;
};
template <typename Rule>
struct MapOf {  // keys are participants
  Rule rule;
};
struct Object {};  // a struct of this table

inline std::optional<std::string> name_of_people(std::string_view text) {
  return complain_about_name(text);
}
inline std::optional<std::string> pin_text(std::string_view text) {
  return complain_about_name(text, kMaxPin);
}
inline std::optional<std::string> reason_text(std::string_view text) {
  return complain_about_name(text, kMaxReason);
}
inline std::optional<std::string> sentence(std::string_view text) {
  return complain_about_name(text, 1000);
}
inline std::optional<std::string> token_text(std::string_view text) {
  if (text.empty() || text.size() > kMaxToken) return "must have 1 to 4096 bytes";
  for (const char c : text)
    if (c <= 0x20 || c >= 0x7f) return "must be printable ASCII without spaces";
  return std::nullopt;
}
inline std::optional<std::string> sdp_text(std::string_view text) {
  if (text.empty() || text.size() > kMaxSdp) return "must have 1 to 65536 bytes";
  if (text.find('\0') != std::string_view::npos) return "must not have NUL characters";
  return std::nullopt;
}
template <std::size_t least>
std::optional<std::string> ice_text(std::string_view text) {  // RFC 8839 section 5.4
  if (text.size() < least || text.size() > 256)
    return "must have " + std::to_string(least) + " to 256 characters";
  for (const char c : text) {
    const bool ok =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
    if (!ok) return "must be of [A-Za-z0-9+/]";
  }
  return std::nullopt;
}

inline std::optional<std::string> address_text(std::string_view text) {
  if (!Address::parse(text)) return "must be an IP address with a port";
  return std::nullopt;
}
inline std::optional<std::string> fingerprint_text(std::string_view text) {  // RFC 8122 section 5
  if (text.empty() || text.size() > 220) return "must have 1 to 220 characters";
  for (const char c : text)
    if (c < 0x20 || c >= 0x7f) return "must be printable ASCII";
  return std::nullopt;
}

inline constexpr Text kAddress{address_text}, kFingerprint{fingerprint_text};
inline constexpr Text kRoomName{complain_about_room_name}, kName{name_of_people}, kPin{pin_text},
    kReason{reason_text}, kSentence{sentence}, kId{complain_about_id}, kToken{token_text}, kSdp{sdp_text},
    kChatText{complain_about_chat}, kUfrag{ice_text<4>}, kPwd{ice_text<22>};
inline std::optional<std::string> stream_url_text(std::string_view text) {
  return complain_about_name(text, 2048);
}
inline constexpr Text kStreamUrl{stream_url_text};
inline constexpr Number kSeconds{0, 1e9};
inline constexpr Number kGainDb{-40, 12};
inline constexpr Number kToldDb{-100, 100};  // what a client is told need not be what it may ask for
inline constexpr Integer kLevel{127}, kGroup{0xffffffff};
inline constexpr Boolean kBool{};

// --- Messages

enum class IdRule : std::uint8_t { required, optional, none };

template <typename Message>
struct Row;

template <IdRule rule = IdRule::required>
struct Plain {
  static constexpr IdRule id = rule;
  static void fields(auto&, auto&) {}
};

template <>
struct Row<Join> : Plain<> {
  static constexpr std::string_view type = "join";
  static void fields(auto& v, auto& m) {
    v.field("room", m.room, kRoomName);
    v.field("name", m.name, kName);
    v.field("pin", m.pin, kPin);
    v.field("token", m.token, kToken);
    v.field("resume", m.resume, kId);
    v.field("sdp", m.sdp, kSdp);
    v.defaulted("consent", m.consent, kBool);
    v.defaulted("applies_gain", m.applies_gain, kBool);
    v.defaulted("direct", m.direct, kBool);
  }
};
template <>
struct Row<Leave> : Plain<> {
  static constexpr std::string_view type = "leave";
};
template <>
struct Row<Update> : Plain<> {
  static constexpr std::string_view type = "update";
  static void fields(auto& v, auto& m) {
    v.field("sends", m.sends, kBool);
    v.field("receives", m.receives, kBool);
  }
};
template <>
struct Row<IceRestart> : Plain<> {
  static constexpr std::string_view type = "ice-restart";
  static void fields(auto& v, auto& m) {
    v.field("ufrag", m.ufrag, kUfrag);
    v.field("pwd", m.pwd, kPwd);
  }
};
template <>
struct Row<SetCarrier> : Plain<> {
  static constexpr std::string_view type = "carrier";
  static void fields(auto& v, auto& m) { v.field("carrier", m.carrier, CarrierWord{}); }
};
template <>
struct Row<MuteSelf> : Plain<> {
  static constexpr std::string_view type = "mute-self";
  static void fields(auto& v, auto& m) { v.field("muted", m.muted, kBool); }
};
template <>
struct Row<RaiseHand> : Plain<> {
  static constexpr std::string_view type = "raise-hand";
  static void fields(auto& v, auto& m) { v.field("raised", m.raised, kBool); }
};
template <>
struct Row<SendChat> : Plain<> {
  static constexpr std::string_view type = "chat";
  static void fields(auto& v, auto& m) { v.field("text", m.text, kChatText); }
};
template <>
struct Row<SetPersonalGain> : Plain<> {
  static constexpr std::string_view type = "personal-gain";
  static void fields(auto& v, auto& m) {
    v.field("talker", m.talker, kId);
    v.field("db", m.db, kGainDb);
    v.defaulted("mute", m.mute, kBool);
  }
};
template <>
struct Row<Whisper> : Plain<> {
  static constexpr std::string_view type = "whisper";
  static void fields(auto& v, auto& m) {
    v.field("to", m.to, ListOf<Text>{kId, 1000});
    v.field("duck_db", m.duck_db, Number{-40, 0});
  }
};

// Requests about one participant.
struct AboutParticipant : Plain<> {
  static void fields(auto& v, auto& m) { v.field("participant", m.participant, kId); }
};
template <>
struct Row<Mute> : AboutParticipant {
  static constexpr std::string_view type = "mute";
};
template <>
struct Row<Unmute> : AboutParticipant {
  static constexpr std::string_view type = "unmute";
};
template <>
struct Row<Kick> : Plain<> {
  static constexpr std::string_view type = "kick";
  static void fields(auto& v, auto& m) {
    v.field("participant", m.participant, kId);
    v.field("reason", m.reason, kReason);
  }
};
template <>
struct Row<SetGain> : Plain<> {
  static constexpr std::string_view type = "gain";
  static void fields(auto& v, auto& m) {
    v.field("participant", m.participant, kId);
    v.field("db", m.db, kGainDb);
  }
};
template <>
struct Row<SetGroup> : Plain<> {
  static constexpr std::string_view type = "group";
  static void fields(auto& v, auto& m) {
    v.field("participant", m.participant, kId);
    v.field("group", m.group, kGroup);
  }
};
template <>
struct Row<Lock> : Plain<> {
  static constexpr std::string_view type = "lock";
};
template <>
struct Row<Unlock> : Plain<> {
  static constexpr std::string_view type = "unlock";
};
template <>
struct Row<MuteAll> : Plain<> {
  static constexpr std::string_view type = "mute-all";
};
template <>
struct Row<StartRecording> : Plain<> {
  static constexpr std::string_view type = "start-recording";
};
template <>
struct Row<StopRecording> : Plain<> {
  static constexpr std::string_view type = "stop-recording";
};
template <>
struct Row<ReportStats> : Plain<> {
  static constexpr std::string_view type = "stats";
  static void fields(auto& v, auto& m) { v.field("report", m.report, JsonObject{}); }
};
template <>
struct Row<DirectOffer> : Plain<> {
  static constexpr std::string_view type = "direct-offer";
  static void fields(auto& v, auto& m) {
    v.field("call", m.call, kId);
    v.field("ufrag", m.ufrag, kUfrag);
    v.field("pwd", m.pwd, kPwd);
    v.field("fingerprint", m.fingerprint, kFingerprint);
    v.field("candidates", m.candidates, ListOf<Text>{kAddress, kMaxCandidates});
  }
};
template <>
struct Row<DirectState> : Plain<> {
  static constexpr std::string_view type = "direct-state";
  static void fields(auto& v, auto& m) {
    v.field("call", m.call, kId);
    v.field("state", m.state, kId);
    v.field("reason", m.reason, kReason);
  }
};
template <>
struct Row<Ping> : Plain<> {
  static constexpr std::string_view type = "ping";
};

template <>
struct Row<Participant> {
  static void fields(auto& v, auto& m) {
    v.field("id", m.id, kId);
    v.field("name", m.name, kName);
    v.field("role", m.role, RoleWord{});
    v.field("muted", m.muted, kBool);
    v.field("sends", m.sends, kBool);
    v.field("receives", m.receives, kBool);
    v.field("talking", m.talking, kBool);
    v.field("level", m.level, kLevel);
    v.field("hand", m.hand, kBool);
    v.field("codec", m.codec, kId);
    v.field("transport", m.transport, kId);
    v.field("carrier", m.carrier, CarrierWord{});
    v.field("csrc", m.csrc, kGroup);
    v.field("gain_db", m.gain_db, kToldDb);
    v.field("group", m.group, kGroup);
    v.field("consent", m.consent, kBool);
  }
};
template <>
struct Row<Joined> : Plain<> {
  static constexpr std::string_view type = "joined";
  static void fields(auto& v, auto& m) {
    v.field("room", m.room, kRoomName);
    v.field("participant", m.participant, kId);
    v.field("role", m.role, RoleWord{});
    v.field("resume", m.resume, kId);
    v.field("sdp", m.sdp, kSdp);
    v.field("roster", m.roster, ListOf<Object>{{}, 10'000});
    v.field("locked", m.locked, kBool);
    v.field("recording", m.recording, kBool);
    v.field("streaming", m.streaming, kBool);
  }
};
template <>
struct Row<Ok> : Plain<> {
  static constexpr std::string_view type = "ok";
};
template <>
struct Row<Failure> : Plain<IdRule::optional> {
  static constexpr std::string_view type = "error";
  static void fields(auto& v, auto& m) {
    v.field("code", m.code, kId);
    v.field("message", m.message, kSentence);
    v.field("status", m.status, Integer{599});
  }
};
template <>
struct Row<Ice> : Plain<> {
  static constexpr std::string_view type = "ice";
  static void fields(auto& v, auto& m) {
    v.field("ufrag", m.ufrag, kUfrag);
    v.field("pwd", m.pwd, kPwd);
  }
};
template <>
struct Row<Pong> : Plain<> {
  static constexpr std::string_view type = "pong";
};

struct WithParticipant : Plain<IdRule::none> {
  static void fields(auto& v, auto& m) { v.field("participant", m.participant, Object{}); }
};
template <>
struct Row<ParticipantJoined> : WithParticipant {
  static constexpr std::string_view type = "participant-joined";
};
template <>
struct Row<ParticipantUpdated> : WithParticipant {
  static constexpr std::string_view type = "participant-updated";
};
template <>
struct Row<ParticipantLeft> : Plain<IdRule::none> {
  static constexpr std::string_view type = "participant-left";
  static void fields(auto& v, auto& m) {
    v.field("participant", m.participant, kId);
    v.field("reason", m.reason, kReason);
  }
};
template <>
struct Row<Talking> : Plain<IdRule::none> {
  static constexpr std::string_view type = "talking";
  static void fields(auto& v, auto& m) {
    v.field("participant", m.participant, kId);
    v.field("talking", m.talking, kBool);
    v.field("level", m.level, kLevel);
  }
};
template <>
struct Row<Levels> : Plain<IdRule::none> {
  static constexpr std::string_view type = "levels";
  static void fields(auto& v, auto& m) { v.field("levels", m.levels, MapOf<Integer>{kLevel}); }
};
template <>
struct Row<RoomUpdated> : Plain<IdRule::none> {
  static constexpr std::string_view type = "room-updated";
  static void fields(auto& v, auto& m) {
    v.field("locked", m.locked, kBool);
    v.field("recording", m.recording, kBool);
    v.field("streaming", m.streaming, kBool);
  }
};
template <>
struct Row<Chat> : Plain<IdRule::none> {
  static constexpr std::string_view type = "chat";
  static void fields(auto& v, auto& m) {
    v.field("participant", m.participant, kId);
    v.field("name", m.name, kName);
    v.field("text", m.text, kChatText);
  }
};
template <>
struct Row<GainAdvice> : Plain<IdRule::none> {
  static constexpr std::string_view type = "gain-advice";
  static void fields(auto& v, auto& m) { v.field("db", m.db, kToldDb); }
};
template <>
struct Row<Uplink> : Plain<IdRule::none> {
  static constexpr std::string_view type = "uplink";
  static void fields(auto& v, auto& m) {
    v.field("loss", m.loss, Number{0, 1});
    v.field("jitter_ms", m.jitter_ms, Number{0, 3'600'000});
    v.field("round_trip_ms", m.round_trip_ms, Number{0, 3'600'000});
  }
};
template <>
struct Row<DelayAlarm> : Plain<IdRule::none> {
  static constexpr std::string_view type = "delay-alarm";
  static void fields(auto& v, auto& m) {
    v.field("participant", m.participant, kId);
    v.field("delay_ms", m.delay_ms, Number{0, 3'600'000});
  }
};
template <>
struct Row<RecordingTrouble> : Plain<IdRule::none> {
  static constexpr std::string_view type = "recording-trouble";
  static void fields(auto& v, auto& m) {
    v.field("recording", m.recording, kId);
    v.field("state", m.state, kId);
    v.field("cause", m.cause, kSentence);
  }
};
template <>
struct Row<StreamChanged> : Plain<IdRule::none> {
  static constexpr std::string_view type = "stream";
  static void fields(auto& v, auto& m) {
    v.field("stream", m.stream, kId);
    v.field("url", m.url, kStreamUrl);
    v.field("state", m.state, kId);
    v.field("cause", m.cause, kSentence);
  }
};
template <>
struct Row<Playback> : Plain<IdRule::none> {
  static constexpr std::string_view type = "playback";
  static void fields(auto& v, auto& m) {
    v.field("sound", m.sound, kId);
    v.field("title", m.title, kSentence);
    v.field("state", m.state, kId);
    v.field("cause", m.cause, kSentence);
    v.field("position_s", m.position_s, kSeconds);
    v.field("duration_s", m.duration_s, kSeconds);
  }
};
template <>
struct Row<DirectStart> : Plain<IdRule::none> {
  static constexpr std::string_view type = "direct-start";
  static void fields(auto& v, auto& m) {
    v.field("call", m.call, kId);
    v.field("peer", m.peer, kId);
    v.field("controlling", m.controlling, kBool);
    v.defaulted("probing", m.probing, kBool);
  }
};
template <>
struct Row<DirectPeer> : Plain<IdRule::none> {
  static constexpr std::string_view type = "direct-peer";
  static void fields(auto& v, auto& m) {
    v.field("call", m.call, kId);
    v.field("ufrag", m.ufrag, kUfrag);
    v.field("pwd", m.pwd, kPwd);
    v.field("fingerprint", m.fingerprint, kFingerprint);
    v.field("candidates", m.candidates, ListOf<Text>{kAddress, kMaxCandidates});
  }
};
template <>
struct Row<DirectAddress> : Plain<IdRule::none> {
  static constexpr std::string_view type = "direct-address";
  static void fields(auto& v, auto& m) {
    v.field("call", m.call, kId);
    v.field("address", m.address, kAddress);
  }
};
template <>
struct Row<DirectPeerState> : Plain<IdRule::none> {
  static constexpr std::string_view type = "direct-peer-state";
  static void fields(auto& v, auto& m) {
    v.field("call", m.call, kId);
    v.field("state", m.state, kId);
  }
};
template <>
struct Row<DirectStop> : Plain<IdRule::none> {
  static constexpr std::string_view type = "direct-stop";
  static void fields(auto& v, auto& m) {
    v.field("call", m.call, kId);
    v.field("reason", m.reason, kReason);
  }
};
template <>
struct Row<Closed> : Plain<IdRule::none> {
  static constexpr std::string_view type = "closed";
  static void fields(auto& v, auto& m) {
    v.field("reason", m.reason, kReason);
    v.field("message", m.message, kSentence);
  }
};

}  // namespace parley::protocol
