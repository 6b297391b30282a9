// What `parley join --json` prints: one JSON object per line (docs/client.md is the schema). Pure.
#pragma once

#include <string>
#include <string_view>

#include "client/session_types.hpp"

namespace parley::client {

// `time_s`: seconds since the command began. Every line has `type` and `time`.
std::string stats_line(double time_s, const SessionStats& stats);
std::string state_line(double time_s, SessionState state);
std::string path_line(double time_s, PathKind path);
std::string carrier_line(double time_s, Carrier carrier);
std::string joined_line(double time_s, const protocol::Joined& joined);
std::string participant_line(double time_s, std::string_view type, const protocol::Participant& participant);
std::string left_line(double time_s, const protocol::Participant& participant, std::string_view reason);
std::string talking_line(double time_s, const protocol::Participant& participant);
std::string chat_line(double time_s, std::string_view participant, std::string_view name,
                      std::string_view text);
std::string playback_line(double time_s, const protocol::Playback& sound);
std::string stream_line(double time_s, const protocol::StreamChanged& stream);
std::string room_line(double time_s, const protocol::RoomUpdated& room);
std::string refused_line(double time_s, std::string_view code, std::string_view message);
std::string warning_line(double time_s, std::string_view message);
// Of `parley call` and `parley answer`, before the call has a room.
std::string registered_line(double time_s, std::string_view name);
std::string missed_line(double time_s, const protocol::CallMissed& missed);
std::string incoming_line(double time_s, const protocol::CallIncoming& call);
std::string calling_line(double time_s, const protocol::Calling& calling);
std::string accepted_line(double time_s, const protocol::CallAccepted& accepted);
std::string call_ended_line(double time_s, const protocol::CallEnded& ended);
// The last line.
std::string summary_line(double time_s, const SessionStats& stats, const SessionEnd& end, int exit_code,
                         const Stay& stay);

}  // namespace parley::client
