#include "client/report.hpp"

#include <array>
#include <boost/json.hpp>
#include <charconv>
#include <cmath>

namespace parley::client {

namespace {

namespace json = boost::json;

// Three decimals: more is noise, and a number that is not finite is no JSON.
double tidy(double value) {
  return std::isfinite(value) ? std::round(value * 1000) / 1000 : 0.0;
}
json::value optional(double value) {
  return value < 0 ? json::value(nullptr) : json::value(tidy(value));
}
json::string text(std::string_view value) {
  return json::string(value.data(), value.size());
}

// As json::serialize(), but 4.2 is 4.2 and not 4.2E0: the lines are read by shell scripts, too.
std::string plain_json(const json::value& value) {
  std::string out;
  if (const auto* object = value.if_object()) {
    for (const auto& [key, member] : *object)
      out += (out.empty() ? "{" : ",") + json::serialize(key) + ":" + plain_json(member);
    return out.empty() ? "{}" : out + "}";
  }
  if (const auto* array = value.if_array()) {
    for (const auto& item : *array) out += (out.empty() ? "[" : ",") + plain_json(item);
    return out.empty() ? "[]" : out + "]";
  }
  if (!value.is_double()) return json::serialize(value);
  std::array<char, 400> text;  // the longest double has 309 digits in front of the point
  const auto end =
      std::to_chars(text.data(), text.data() + text.size(), value.get_double(), std::chars_format::fixed).ptr;
  return {text.data(), end};
}

json::object line(std::string_view type, double time_s) {
  json::object out;
  out["type"] = text(type);
  out["time"] = tidy(time_s);
  return out;
}

json::object participant_object(const protocol::Participant& participant) {
  json::object out;
  out["id"] = participant.id;
  out["name"] = participant.name;
  out["role"] = participant.role == protocol::Role::moderator ? "moderator" : "participant";
  out["muted"] = participant.muted;
  out["sends"] = participant.sends;
  out["receives"] = participant.receives;
  out["talking"] = participant.talking;
  out["level"] = participant.level;
  if (participant.codec) out["codec"] = *participant.codec;
  if (participant.transport) out["transport"] = *participant.transport;
  if (participant.carrier) out["carrier"] = to_string(*participant.carrier);
  return out;
}

void put_stats(json::object& out, const SessionStats& stats) {
  out["state"] = to_string(stats.state);
  out["path"] = to_string(stats.path);
  out["sent"] = json::object{{"packets", stats.packets_sent},
                             {"bytes", stats.bytes_sent},
                             {"lost", stats.lost_out},
                             {"loss", tidy(stats.loss_out)},
                             {"jitter_ms", tidy(stats.jitter_out_ms)},
                             {"level_dbfs", tidy(stats.level_out_dbfs)},
                             {"bitrate", stats.bitrate},
                             {"ptime_ms", tidy(stats.ptime_ms)},
                             {"expected_loss", stats.expected_loss},
                             {"gain_db", tidy(stats.gain_db)},
                             {"dropped", stats.dropped_out}};
  out["received"] = json::object{{"packets", stats.packets_received},
                                 {"bytes", stats.bytes_received},
                                 {"lost", stats.lost_in},
                                 {"loss", tidy(stats.loss_in)},
                                 {"jitter_ms", tidy(stats.jitter_in_ms)},
                                 {"level_dbfs", tidy(stats.level_in_dbfs)},
                                 {"delay_ms", tidy(stats.delay_ms)},
                                 {"target_ms", tidy(stats.target_ms)},
                                 {"late", stats.late},
                                 {"fec", stats.fec},
                                 {"concealed_ms", tidy(stats.concealed_ms)},
                                 {"stretched_ms", tidy(stats.stretched_ms)},
                                 {"drift_ppm", tidy(stats.drift_ppm)},
                                 {"refused", stats.refused},
                                 {"dropped", stats.dropped_in}};
  out["round_trip_ms"] = optional(stats.round_trip_ms);
  out["carrier"] = to_string(stats.carrier);
  out["websocket_late"] = stats.websocket_late;
  out["direct"] = json::object{{"sent", stats.direct_sent},
                               {"received", stats.direct_received},
                               {"round_trip_ms", optional(stats.direct_round_trip_ms)}};
}

}  // namespace

std::string stats_line(double time_s, const SessionStats& stats) {
  auto out = line("stats", time_s);
  put_stats(out, stats);
  return plain_json(out);
}

std::string state_line(double time_s, SessionState state) {
  auto out = line("state", time_s);
  out["state"] = to_string(state);
  return plain_json(out);
}

std::string carrier_line(double time_s, Carrier carrier) {
  auto out = line("carrier", time_s);
  out["carrier"] = to_string(carrier);
  return plain_json(out);
}

std::string path_line(double time_s, PathKind path) {
  auto out = line("path", time_s);
  out["path"] = to_string(path);
  return plain_json(out);
}

std::string joined_line(double time_s, const protocol::Joined& joined) {
  auto out = line("joined", time_s);
  out["room"] = joined.room;
  out["participant"] = joined.participant;
  out["role"] = joined.role == protocol::Role::moderator ? "moderator" : "participant";
  out["locked"] = joined.locked;
  out["recording"] = joined.recording;
  out["streaming"] = joined.streaming;
  json::array roster;
  for (const auto& participant : joined.roster) roster.push_back(participant_object(participant));
  out["roster"] = std::move(roster);
  return plain_json(out);
}

std::string participant_line(double time_s, std::string_view type, const protocol::Participant& participant) {
  auto out = line(type, time_s);
  out["participant"] = participant_object(participant);
  return plain_json(out);
}

std::string left_line(double time_s, const protocol::Participant& participant, std::string_view reason) {
  auto out = line("participant-left", time_s);
  out["participant"] = participant_object(participant);
  out["reason"] = text(reason);
  return plain_json(out);
}

std::string talking_line(double time_s, const protocol::Participant& participant) {
  auto out = line("talking", time_s);
  out["participant"] = participant.id;
  out["name"] = participant.name;
  out["talking"] = participant.talking;
  out["level"] = participant.level;
  return plain_json(out);
}

std::string chat_line(double time_s, std::string_view participant, std::string_view name,
                      std::string_view said) {
  auto out = line("chat", time_s);
  out["participant"] = text(participant);
  out["name"] = text(name);
  out["text"] = text(said);
  return plain_json(out);
}

std::string playback_line(double time_s, const protocol::Playback& sound) {
  auto out = line("playback", time_s);
  out["sound"] = text(sound.sound);
  out["title"] = text(sound.title);
  out["state"] = text(sound.state);
  if (sound.cause) out["cause"] = text(*sound.cause);
  out["position_s"] = sound.position_s;
  if (sound.duration_s) out["duration_s"] = *sound.duration_s;
  return plain_json(out);
}

std::string stream_line(double time_s, const protocol::StreamChanged& stream) {
  auto out = line("stream", time_s);
  out["stream"] = text(stream.stream);
  out["url"] = text(stream.url);
  out["state"] = text(stream.state);
  if (stream.cause) out["cause"] = text(*stream.cause);
  return plain_json(out);
}

std::string room_line(double time_s, const protocol::RoomUpdated& room) {
  auto out = line("room", time_s);
  out["locked"] = room.locked;
  out["recording"] = room.recording;
  out["streaming"] = room.streaming;
  return plain_json(out);
}

std::string refused_line(double time_s, std::string_view code, std::string_view message) {
  auto out = line("refused", time_s);
  out["code"] = text(code);
  out["message"] = text(message);
  return plain_json(out);
}

std::string warning_line(double time_s, std::string_view message) {
  auto out = line("warning", time_s);
  out["message"] = text(message);
  return plain_json(out);
}

std::string registered_line(double time_s, std::string_view name) {
  auto out = line("registered", time_s);
  out["name"] = text(name);
  return plain_json(out);
}

std::string missed_line(double time_s, const protocol::CallMissed& missed) {
  auto out = line("call-missed", time_s);
  out["from"] = missed.from;
  out["count"] = missed.count;
  out["at_ms"] = missed.at_ms;
  return plain_json(out);
}

std::string incoming_line(double time_s, const protocol::CallIncoming& call) {
  auto out = line("call-incoming", time_s);
  out["call"] = call.call;
  out["from"] = call.from;
  return plain_json(out);
}

std::string calling_line(double time_s, const protocol::Calling& calling) {
  auto out = line("calling", time_s);
  out["call"] = calling.call;
  out["to"] = calling.to;
  out["devices"] = calling.devices;
  return plain_json(out);
}

std::string accepted_line(double time_s, const protocol::CallAccepted& accepted) {
  auto out = line("call-accepted", time_s);
  out["call"] = accepted.call;
  out["peer"] = accepted.peer;
  out["room"] = accepted.room;
  return plain_json(out);
}

std::string call_ended_line(double time_s, const protocol::CallEnded& ended) {
  auto out = line("call-ended", time_s);
  out["call"] = ended.call;
  out["reason"] = ended.reason;
  return plain_json(out);
}

std::string summary_line(double time_s, const SessionStats& stats, const SessionEnd& end, int exit_code,
                         const Stay& stay) {
  auto out = line("summary", time_s);
  out["exit_code"] = exit_code;
  out["code"] = end.code.empty() ? json::value(nullptr) : json::value(end.code);
  out["message"] = end.message;
  out["in_room_s"] = tidy(stay.in_room_s);
  if (stay.input_start_us != 0) out["input_start_us"] = stay.input_start_us;
  if (stay.output_start_us != 0) out["output_start_us"] = stay.output_start_us;
  out["join_ms"] = optional(stats.join_ms);
  out["connect_ms"] = optional(stats.connect_ms);
  out["first_audio_ms"] = optional(stats.first_audio_ms);
  out["reconnects"] = stats.reconnects;
  put_stats(out, stats);
  return plain_json(out);
}

}  // namespace parley::client
