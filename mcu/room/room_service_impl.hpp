// RoomService's inside, shared by the files that implement it: room_service.cpp (rooms), joining.cpp (coming
// and going), moderation.cpp (what people do to themselves and to others), media_results.cpp. Private to
// mcu/room.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "mcu/room/rate_limiter.hpp"
#include "mcu/room/room_service.hpp"
#include "mcu/room/room_state.hpp"
#include "transport/base/check.hpp"

namespace parley::room {

inline constexpr std::size_t kParticipantIdLength = 12;
inline constexpr std::size_t kResumeLength = 22;  // 128 bits
inline constexpr Duration kTicketLife = 60s;      // of somebody who was lost
inline constexpr std::size_t kMaxTickets = 2000;
inline constexpr std::size_t kMaxOnceKeys = 100'000;

inline Error no_such_participant() {
  return refuse(RefusalCode::no_such_participant, "there is no such participant in this room");
}

class RoomService::Impl {
 public:
  Impl(RoomSettings settings, MediaPort& media, EventSink& events);

  // --- room_service.cpp
  void reload(const RoomSettings& settings);
  void on_timer(TimePoint at);
  void close_all(TimePoint at, const std::string& reason, const std::string& message);
  Status create_room(TimePoint at, const RoomOptions& options);
  Status close_room(TimePoint at, std::string_view name, const std::string& reason);
  Result<RoomId> hold_media(TimePoint at, const std::string& name);
  void release_media(TimePoint at, std::string_view name, RoomId media);
  RoomInfo describe(TimePoint at, const Room& room) const;
  Room* find_room(std::string_view name) const;
  ServiceCounts counts() const;

  // Who is where.
  struct Place {
    Room* room = nullptr;
    Participant* who = nullptr;
    explicit operator bool() const { return who != nullptr; }
  };
  Place find(const ParticipantId& id) const;
  Place find(LegId leg) const;

  // Telling.
  void tell(const Participant& who, const Event& event);
  void tell_room(const Room& room, const Event& event, const Participant* except = nullptr);
  void tell_state(const Room& room, const Participant* except = nullptr);
  void tell_updated(Room& room, const Participant& who);

  // --- joining.cpp
  Result<Joined> join(TimePoint at, const JoinRequest& request);
  Status leave(TimePoint at, const ParticipantId& id, ConnectionId asking);
  void connection_lost(TimePoint at, ConnectionId connection);
  std::optional<ParticipantId> holder(std::string_view room, std::string_view resume) const;
  // Takes a participant out of its room. `keep_ticket`: it was lost and may come back.
  void remove(TimePoint at, Room& room, Participant& who, const std::string& reason, bool keep_ticket);
  void close_connection(Participant& who, const std::string& reason, const std::string& message);
  void drop_leg(Room& room, Participant& who, const std::string& reason);
  void forget_leg(Participant& who);
  void open_media(Room& room);
  void close_media_if_unused(Room& room);
  void forget_person(Room& room, const ParticipantId& id);
  void drop_oldest_ticket();
  void hang_up(TimePoint at, Room& room);  // if it is a call

  // --- media_results.cpp
  void show_talking(Room& room, Participant& who, std::uint8_t level);

  // --- direct.cpp
  DirectPolicy direct_policy(const Room& room) const;
  std::string why_not_direct(const Room& room) const;
  void begin_direct(TimePoint at, Room& room);
  void review_direct(Room& room);
  void end_direct(Room& room, const std::string& reason);
  Result<Place> other_end(const ParticipantId& id, std::string_view call) const;
  static bool is_direct(const Room& room);

  // --- seats.cpp
  void restore(TimePoint at, const Memory& memory);
  void keep_seat(const Room& room, const Participant& who);
  void forget_seat(const ParticipantId& who);

  // --- moderation.cpp
  Result<Place> joined(const ParticipantId& id) const;
  Result<Place> moderated(std::string_view room, const ParticipantId& by, const ParticipantId& who) const;
  Result<Room*> moderated_room(std::string_view room, const ParticipantId& by) const;
  void apply_mute(Room& room, Participant& who);
  void apply_personal_gain(const Room& room, const Participant& listener, const ParticipantId& talker);
  void apply_whisper(const Room& room, const Participant& talker);
  void apply_everything(const Room& room, const Participant& who);  // to a new leg

  RoomSettings settings_;
  MediaPort& media_;
  EventSink& events_;
  RoomWatcher* watcher_ = nullptr;
  SeatPort* seats_ = nullptr;
  ThreadOwner owner_;

  std::map<std::string, std::unique_ptr<Room>, std::less<>> rooms_;
  std::unordered_map<ParticipantId, Place> people_;
  std::unordered_map<std::uint32_t, ParticipantId> legs_;
  std::unordered_map<std::uint64_t, ParticipantId> connections_;
  std::deque<Ticket> tickets_;                       // oldest first
  std::map<std::string, TimePoint> used_once_keys_;  // until they expire
  std::uint32_t last_room_id_ = 0;
  bool refusing_ = false, stopping_ = false;

  TokenBucket all_joins_;
  AddressLimiter joins_by_address_;
  AddressLimiter wrong_pins_;

  std::uint64_t joins_ = 0;
  std::map<std::string, std::uint64_t> refused_;

 private:
  Result<Joined> try_join(TimePoint at, const JoinRequest& request);
  Status check_rate(TimePoint at, const JoinRequest& request);
  Status check_admission(TimePoint at, const JoinRequest& request, const Room* room);
  Status check_pin(TimePoint at, const JoinRequest& request, const Room& room);
  Status check_space(const Room* room) const;
  Participant* holder_in(const Room& room, std::string_view resume) const;
  std::unique_ptr<Participant> redeem_ticket(TimePoint at, std::string_view room, std::string_view resume);
  Result<LegAnswer> negotiate(Room& room, const JoinRequest& request, Participant* replaced);
  Room& add_room(TimePoint at, const RoomOptions& options);
  std::string unique_name(const Room& room, const std::string& wanted) const;
  void take_leg(Participant& who, const LegAnswer& answer);
  void take_connection(Participant& who, ConnectionId connection);
  Joined describe_join(const Room& room, const Participant& who, LegAnswer answer) const;
  void put_out_all(Room& room, const std::string& reason, const std::string& message);
};

}  // namespace parley::room
