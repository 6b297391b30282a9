// All rooms of this server: who is in which, under which rules, and what they are told. Pure logic: no
// sockets, no JSON, no clock; media is done by the MediaPort, clients are told through the EventSink.
//
// Threads: ctl. Nothing blocks. Time is passed in and never goes back.
//
// A participant has up to two ties to the server: its leg (media) and its signalling connection (WebSocket).
// Who joined by WHIP has no connection and is a participant like any other.
//   - The connection drops: the participant stays until its leg ends, and may come back with its resume
//   token.
//   - The leg ends: with a living connection the participant stays without media and may offer again (join
//     with its own resume token); without one it leaves.
//   - Who was lost (neither left by its own wish nor was put out) may resume within a minute as the same
//     participant: without PIN or token, and into a locked room.
//   - A join with a living participant's resume token replaces its leg and its connection: the old connection
//     is told `closed`, reason `replaced`. Everybody else sees only an update. Each join gives a new token.
//
// The media plane of a room is open only while the room has legs or somebody holds it, under a RoomId of its
// own each time.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mcu/room/events.hpp"
#include "mcu/room/ports.hpp"
#include "mcu/room/refusal.hpp"
#include "mcu/room/seats.hpp"
#include "mcu/room/types.hpp"
#include "mcu/room/watcher.hpp"
#include "transport/base/result.hpp"

namespace parley::room {

class RoomService {
 public:
  RoomService(RoomSettings settings, MediaPort& media, EventSink& events);
  ~RoomService();
  RoomService(const RoomService&) = delete;
  RoomService& operator=(const RoomService&) = delete;

  // One, for good; it must outlive this.
  void set_watcher(RoomWatcher& watcher);
  // Likewise: what outlives this server, should it be started anew.
  void set_seats(SeatPort& seats);
  // What a server before this one remembered. Those who were in may resume within a minute as after a loss.
  void restore(TimePoint at, const Memory& memory);
  // Limits and time-outs for what comes from now on; nobody who is in is put out.
  void reload(const RoomSettings& settings);
  // Refuses every join from now on (the overload ladder's last rung); those who are in stay.
  void refuse_joins(bool refuse);
  // About 5 times a second: idle rooms, level events, expired tickets.
  void on_timer(TimePoint at);
  // Everybody is told `closed` and leaves; later joins are refused. For the end of the server.
  void close_all(TimePoint at, const std::string& reason, const std::string& message);

  // --- Rooms (refusals: name_taken, bad_value, server_full, no_such_room)
  Status create_room(TimePoint at, const RoomOptions& options);
  Status close_room(TimePoint at, const std::string& room, const std::string& reason);
  std::vector<RoomInfo> rooms(TimePoint at) const;
  Result<RoomInfo> room(TimePoint at, std::string_view name) const;
  Result<std::vector<ParticipantInfo>> roster(std::string_view room) const;
  Result<std::vector<ParticipantQuality>> quality(std::string_view room) const;
  Result<RoomId> media_room(std::string_view room) const;  // RoomId::none while the room has no media

  // --- For those inside the server who need a room's media: streams, players
  // The media runs, and the room stays, until it is released as often as it was held, or the room is closed.
  // A room that is not there is made.
  Result<RoomId> hold_media(TimePoint at, const std::string& room);
  // Nothing happens when the room has other media by now, or is gone.
  void release_media(TimePoint at, std::string_view room, RoomId media);
  // Everybody in the room is told.
  void announce(std::string_view room, const Event& event);
  // Its moderators are.
  void tell_moderators(std::string_view room, const Event& event);

  // --- Coming and going
  Result<Joined> join(TimePoint at, const JoinRequest& request);
  // By its own wish. A connection of the participant other than `asking` is told `closed`.
  Status leave(TimePoint at, const ParticipantId& who, ConnectionId asking = ConnectionId::none);
  void connection_lost(TimePoint at, ConnectionId connection);
  // The participant that holds this resume token (WHIP's session URL is made of it).
  std::optional<ParticipantId> holder(std::string_view room, std::string_view resume) const;

  // --- A participant about itself
  Status update_direction(const ParticipantId& who, std::optional<bool> sends, std::optional<bool> receives);
  // An SDP fragment of trickled candidates or an ICE restart; the answer is empty where there is nothing to
  // say.
  Result<std::string> patch_media(const ParticipantId& who, const std::string& sdp_fragment);
  // The connection that carries media (all but `udp`) is the participant's own; when it is lost, UDP has to
  // do.
  Status set_carrier(const ParticipantId& who, Carrier carrier);
  // Counts the ICE sessions of this participant: WHIP's entity tag.
  std::uint32_t ice_generation(const ParticipantId& who) const;
  Status mute_self(const ParticipantId& who, bool muted);
  Status raise_hand(const ParticipantId& who, bool raised);
  Status chat(const ParticipantId& who, const std::string& text);
  Status set_personal_gain(const ParticipantId& listener, const ParticipantId& talker, PersonalGain gain);
  // The client's view of its leg, a JSON object of at most 8 KiB; kept for quality(), not understood.
  Status report(const ParticipantId& who, std::string json);
  // What the client measures of one path. Of a direct call only its two ends may tell: `call` is checked.
  Status report_path(TimePoint at, const ParticipantId& who, PathReport report);
  Status whisper(const ParticipantId& talker, const std::vector<ParticipantId>& to, float duck_db);

  // --- Moderation. `by` is the moderator who asks, empty for the administrator; `room` names the room in
  // which the participant is looked for.
  Status mute(std::string_view room, const ParticipantId& by, const ParticipantId& who, bool muted);
  Status kick(TimePoint at, std::string_view room, const ParticipantId& by, const ParticipantId& who,
              const std::string& message);
  Status set_gain(std::string_view room, const ParticipantId& by, const ParticipantId& who, float gain_db);
  Status set_group(std::string_view room, const ParticipantId& by, const ParticipantId& who,
                   std::uint32_t group);
  Status dissolve_groups(std::string_view room, const ParticipantId& by, std::optional<std::uint32_t> group);
  Status set_locked(std::string_view room, const ParticipantId& by, bool locked);
  Status mute_all(std::string_view room, const ParticipantId& by);  // everybody but `by`
  Status end_whispers(std::string_view room, const ParticipantId& by);

  // --- Results from the media plane. Legs that are not (or no longer) known are ignored: they may be on
  // their way out.
  void leg_connected(LegId leg);
  void leg_address(LegId leg, const std::string& address);  // where its media comes from
  void leg_gone(TimePoint at, LegId leg, LegGone why);
  void talking(LegId leg, bool talking, std::uint8_t level);
  void level(LegId leg, std::uint8_t level);
  void gain_advice(LegId leg, float gain_db);
  // This talker's audio waited longer than alarm.delay_ms. Told to the room's moderators; the caller bounds
  // the rate. Returns the names to log, nothing for an unknown leg.
  std::optional<std::pair<std::string, ParticipantId>> delay_alarm(LegId leg, double delay_ms);
  void traffic(TimePoint at, LegId leg, const TrafficReport& report);
  // Told to the participant it is about, and to the room's moderators.
  void quality_alarm(std::string_view room, const QualityAlarm& alarm);
  void set_recording(std::string_view room, bool recording);
  void set_streaming(std::string_view room, bool streaming);

  // --- Direct calls
  // A call of two that has gone direct comes back at once when the room is recorded (set_recording), streamed
  // or played into (hold_media), moderated, or joined by a third.
  // From the two ends: passed on to each other. States: ready (media has come), active (listening to it),
  // trouble (none comes just now), failed.
  Status direct_offer(const ParticipantId& who, const DirectTerms& terms);
  Status direct_state(TimePoint at, const ParticipantId& who, std::string_view call, std::string_view state,
                      const std::string& reason);
  // Who talks: the server does not hear it, those who look at the room want to know it all the same.
  Status direct_talking(const ParticipantId& who, std::string_view call, bool talking, std::uint8_t level);

  // --- Looking up
  // May `by` moderate this room? As for the methods under Moderation.
  Status may_moderate(std::string_view room, const ParticipantId& by) const;
  std::optional<std::string> room_of(const ParticipantId& who) const;
  std::optional<ParticipantId> participant_of(LegId leg) const;
  ServiceCounts counts() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace parley::room
