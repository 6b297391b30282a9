// Coming and going.
#include <algorithm>

#include "mcu/room/names.hpp"
#include "mcu/room/room_service_impl.hpp"
#include "transport/base/log.hpp"

namespace parley::room {
namespace {

// A participant with the same name in capitals, or with a name that was cut short, is another person: only
// equal names are told apart.
bool name_is_used(const Room& room, const std::string& name) {
  return std::any_of(room.people.begin(), room.people.end(),
                     [&](const auto& who) { return who->info.name == name; });
}

}  // namespace

Result<Joined> RoomService::Impl::join(TimePoint at, const JoinRequest& request) {
  auto joined = try_join(at, request);
  if (joined) {
    ++joins_;
  } else {
    ++refused_[std::string(text(refusal_code(joined.error())))];
    log::debug("room {}: join from {} refused: {}", log::printable(request.room, 64), request.remote_ip,
               joined.error().what);
  }
  return joined;
}

Result<Joined> RoomService::Impl::try_join(TimePoint at, const JoinRequest& request) {
  if (stopping_) return refuse(RefusalCode::server_stopping, "the server is stopping");
  if (auto rate = check_rate(at, request); !rate) return rate.error();
  if (request.bad_token) return *request.bad_token;
  if (!valid_room_name(request.room)) return refuse(RefusalCode::bad_value, "this cannot be a room's name");
  const auto name = display_name(
      request.admission && !request.admission->name.empty() ? request.admission->name : request.name);
  if (!name) return refuse(RefusalCode::bad_value, "this cannot be a participant's name");

  Room* room = find_room(request.room);
  Participant* living = room != nullptr ? holder_in(*room, request.resume) : nullptr;
  if (connections_.contains(static_cast<std::uint64_t>(request.connection)) &&
      (living == nullptr || living->connection != request.connection))
    return refuse(RefusalCode::already_joined, "this connection has joined already");

  // From here on `returning` is somebody who was admitted before: living, or lost a moment ago.
  std::unique_ptr<Participant> lost;
  if (living == nullptr) lost = redeem_ticket(at, request.room, request.resume);
  const bool returning = living != nullptr || lost != nullptr;
  if (!returning) {
    if (auto admitted = check_admission(at, request, room); !admitted) return admitted.error();
  }
  if (living == nullptr) {
    if (auto space = check_space(room); !space) {
      if (lost) tickets_.push_back({request.room, std::move(lost), at + kTicketLife});
      return space.error();
    }
  }

  const bool fresh = room == nullptr;
  if (fresh) {
    RoomOptions options;
    options.name = request.room;
    if (lost && lost->of_call) {  // the server was started anew: the call goes on
      options.call = true;
      options.max_participants = 2;
    }
    room = &add_room(at, options);
  }
  auto answer = negotiate(*room, request, living);
  if (!answer) {
    if (lost) tickets_.push_back({request.room, std::move(lost), at + kTicketLife});
    close_media_if_unused(*room);
    if (fresh) rooms_.erase(request.room);
    return answer.error();
  }
  if (fresh) log::info("room {}: created by its first participant", request.room);

  if (request.admission && !request.admission->once_key.empty() && !returning) {
    used_once_keys_.emplace(request.admission->once_key, request.admission->expires);
    if (seats_ != nullptr) seats_->used_once(request.admission->once_key, request.admission->expires);
  }

  Participant* who = living;
  if (who == nullptr) {
    auto newcomer = lost ? std::move(lost) : std::make_unique<Participant>();
    const bool unknown = newcomer->info.id.empty();
    newcomer->info.name = unique_name(*room, unknown ? *name : newcomer->info.name);
    if (unknown) {
      newcomer->info.id = random_token(kParticipantIdLength);
      newcomer->info.role = request.admission ? request.admission->role : settings_.default_role;
    }
    who = newcomer.get();
    room->people.push_back(std::move(newcomer));
    people_[who->info.id] = {room, who};
  }
  who->info.consent = request.consent;
  who->direct = request.direct;
  who->resume = random_token(kResumeLength);
  take_leg(*who, *answer);
  take_connection(*who, request.connection);
  apply_everything(*room, *who);
  keep_seat(*room, *who);
  if (watcher_ != nullptr) {
    const bool recording =
        watcher_->leg_joined({room->name(), room->media, who->info, who->leg, room->options.record});
    if (std::exchange(room->recording, recording) != recording) tell_state(*room, who);
  }
  review_direct(*room);

  if (living != nullptr)
    tell_room(*room, ParticipantUpdated{who->info}, who);
  else
    tell_room(*room, ParticipantJoined{who->info}, who);
  log::info("room {}: {} {} ({}, {}, from {})", room->name(), who->info.id,
            living != nullptr ? "offers again" : "joined", who->info.transport, who->info.codec,
            request.remote_ip);
  return describe_join(*room, *who, std::move(*answer));
}

// --- May it come in?

Status RoomService::Impl::check_rate(TimePoint at, const JoinRequest& request) {
  const bool own_share = is_loopback_text(request.remote_ip) || joins_by_address_.take(at, request.remote_ip);
  if (own_share && all_joins_.take(at)) return Done{};
  return refuse(RefusalCode::too_many, "too many joins at the moment, try again in a second");
}

Status RoomService::Impl::check_admission(TimePoint at, const JoinRequest& request, const Room* room) {
  if (refusing_) return refuse(RefusalCode::server_full, "the server is too busy for more participants");
  if (!request.admission && settings_.token_required)
    return refuse(RefusalCode::bad_token, "this server admits holders of a token only");
  if (request.admission && !request.admission->once_key.empty()) {
    if (used_once_keys_.contains(request.admission->once_key))
      return refuse(RefusalCode::bad_token, "this token has been used");
    if (used_once_keys_.size() >= kMaxOnceKeys)
      return refuse(RefusalCode::too_many, "too many tokens for one join at the moment");
  }
  if (room == nullptr) return Done{};
  const bool moderator = request.admission && request.admission->role == Role::moderator;
  if (room->locked && !moderator) return refuse(RefusalCode::locked, "the room is locked");
  if (!room->options.pin.empty() && !request.admission) return check_pin(at, request, *room);
  return Done{};
}

// Guessing is slowed down by address, so that nobody locks others out of a room.
Status RoomService::Impl::check_pin(TimePoint at, const JoinRequest& request, const Room& room) {
  if (!wrong_pins_.available(at, request.remote_ip))
    return refuse(RefusalCode::too_many, "too many wrong PINs from this address, try again later");
  if (equal_constant_time(request.pin, room.options.pin)) return Done{};
  if (!request.pin.empty()) wrong_pins_.take(at, request.remote_ip);
  return refuse(RefusalCode::wrong_pin, request.pin.empty() ? "the room wants a PIN" : "the PIN is wrong");
}

Status RoomService::Impl::check_space(const Room* room) const {
  if (people_.size() >= settings_.max_participants)
    return refuse(RefusalCode::server_full, "this server has as many participants as it may");
  if (room == nullptr && rooms_.size() >= settings_.max_rooms)
    return refuse(RefusalCode::server_full, "this server has as many rooms as it may");
  if (room != nullptr && room->people.size() >= room->max_participants)
    return refuse(RefusalCode::room_full, "the room is full");
  return Done{};
}

// Every holder is compared with, so that the time tells nothing about a token.
Participant* RoomService::Impl::holder_in(const Room& room, std::string_view resume) const {
  Participant* found = nullptr;
  if (resume.size() != kResumeLength) return found;
  for (const auto& who : room.people)
    if (equal_constant_time(who->resume, resume)) found = who.get();
  return found;
}

std::optional<ParticipantId> RoomService::Impl::holder(std::string_view name, std::string_view resume) const {
  const Room* room = find_room(name);
  const Participant* who = room != nullptr ? holder_in(*room, resume) : nullptr;
  return who != nullptr ? std::optional(who->info.id) : std::nullopt;
}

std::unique_ptr<Participant> RoomService::Impl::redeem_ticket(TimePoint at, std::string_view room,
                                                              std::string_view resume) {
  auto found = tickets_.end();
  for (auto ticket = tickets_.begin(); ticket != tickets_.end(); ++ticket) {
    if (ticket->room == room && ticket->expires > at &&
        equal_constant_time(ticket->participant->resume, resume))
      found = ticket;
  }
  if (found == tickets_.end()) return nullptr;
  auto participant = std::move(found->participant);
  tickets_.erase(found);
  return participant;
}

std::string RoomService::Impl::unique_name(const Room& room, const std::string& wanted) const {
  if (!name_is_used(room, wanted)) return wanted;
  for (std::size_t n = 2;; ++n) {
    auto numbered = wanted + " (" + std::to_string(n) + ")";
    if (!name_is_used(room, numbered)) return numbered;
  }
}

// --- Media and connection of somebody who comes in

Result<LegAnswer> RoomService::Impl::negotiate(Room& room, const JoinRequest& request,
                                               Participant* replaced) {
  open_media(room);
  // Advice reaches a client over its WebSocket only; everybody else is levelled in the mixer.
  const LegOffer offer{request.sdp, request.remote_ip,
                       request.connection != ConnectionId::none && request.applies_gain};
  auto answer = media_.add_leg(room.media, offer);
  const bool own_address =
      !answer && answer.error().code == 409 && replaced != nullptr && replaced->leg != LegId::none;
  if (own_address) {
    // Plain RTP from where its old leg stands: only then is the old one given up before the new one exists.
    media_.remove_leg(replaced->leg, "replaced");
    forget_leg(*replaced);
    answer = media_.add_leg(room.media, offer);
  }
  if (!answer) return refuse(refusal_from_media(answer.error().code), answer.error().what);
  PARLEY_ASSERT(answer->leg != LegId::none);
  return answer;
}

void RoomService::Impl::open_media(Room& room) {
  if (room.media != RoomId::none) return;
  room.media = static_cast<RoomId>(++last_room_id_);
  media_.open_room(room.media, {room.name(), room.max_talkers});
}

void RoomService::Impl::take_leg(Participant& who, const LegAnswer& answer) {
  if (who.leg != LegId::none) {
    media_.remove_leg(who.leg, "replaced");
    forget_leg(who);
  }
  who.leg = answer.leg;
  ++who.ice_generation;
  who.info.sends = answer.direction.sends;
  who.info.receives = answer.direction.receives;
  who.info.codec = answer.codec;
  who.info.transport = answer.encrypted ? "dtls-srtp" : "rtp";
  who.info.csrc = raw(who.leg);
  legs_[raw(who.leg)] = who.info.id;
}

void RoomService::Impl::take_connection(Participant& who, ConnectionId connection) {
  if (who.connection != connection) close_connection(who, "replaced", "you have joined from elsewhere");
  who.connection = connection;
  if (connection != ConnectionId::none) connections_[static_cast<std::uint64_t>(connection)] = who.info.id;
}

Joined RoomService::Impl::describe_join(const Room& room, const Participant& who, LegAnswer answer) const {
  Joined joined;
  joined.media_room = room.media;
  joined.room = room.name();
  joined.participant = who.info.id;
  joined.role = who.info.role;
  joined.resume = who.resume;
  joined.answer = std::move(answer);
  joined.locked = room.locked;
  joined.recording = room.recording;
  joined.streaming = room.streaming;
  joined.roster.reserve(room.people.size());
  for (const auto& person : room.people) joined.roster.push_back(person->info);
  return joined;
}

// --- Going

void RoomService::Impl::forget_leg(Participant& who) {
  if (watcher_ != nullptr) watcher_->leg_gone(who.leg);
  legs_.erase(raw(who.leg));
  who.leg = LegId::none;
  who.connected = false;
  who.address.clear();
  who.info.codec.clear();
  who.info.transport.clear();
  who.info.carrier = Carrier::udp;
  who.info.csrc = 0;
  who.info.talking = who.heard_talking = who.reports_talking = false;
  who.info.level = 127;
  who.traffic = {};
  who.client_report.clear();
  who.mcu_report.reset();
  who.direct_report.reset();
  who.uplink_told = {};
  who.gain_advised.reset();
}

void RoomService::Impl::drop_leg(Room& /*room*/, Participant& who, const std::string& reason) {
  if (who.leg == LegId::none) return;
  media_.remove_leg(who.leg, reason);
  forget_leg(who);
}

void RoomService::Impl::close_media_if_unused(Room& room) {
  if (room.media == RoomId::none || room.legs() > 0 || room.media_holds > 0) return;
  media_.close_room(room.media);
  room.media = RoomId::none;
}

void RoomService::Impl::close_connection(Participant& who, const std::string& reason,
                                         const std::string& message) {
  if (who.connection == ConnectionId::none) return;
  tell(who, Closed{reason, message});
  connections_.erase(static_cast<std::uint64_t>(who.connection));
  who.connection = ConnectionId::none;
}

void RoomService::Impl::remove(TimePoint at, Room& room, Participant& who, const std::string& reason,
                               bool keep_ticket) {
  log::info("room {}: {} left ({})", room.name(), who.info.id, reason);
  drop_leg(room, who, reason);
  connections_.erase(static_cast<std::uint64_t>(who.connection));
  who.connection = ConnectionId::none;
  people_.erase(who.info.id);
  const auto own = std::find_if(room.people.begin(), room.people.end(),
                                [&](const auto& person) { return person.get() == &who; });
  auto gone = std::move(*own);
  room.people.erase(own);

  for (const auto& other : room.people)
    if (other->whispers_to_includes(gone->info.id)) apply_whisper(room, *other);
  tell_room(room, ParticipantLeft{gone->info.id, reason});
  if (watcher_ != nullptr) watcher_->participant_left(room.name(), gone->info.id);
  review_direct(room);
  close_media_if_unused(room);
  if (room.people.empty()) room.empty_since = at;

  if (!keep_ticket) {
    forget_seat(gone->info.id);
    return forget_person(room, gone->info.id);
  }
  gone->info.hand = false;
  if (tickets_.size() >= kMaxTickets) drop_oldest_ticket();
  tickets_.push_back({room.name(), std::move(gone), at + kTicketLife});
}

void RoomService::Impl::hang_up(TimePoint at, Room& room) {
  if (room.options.call) static_cast<void>(close_room(at, room.name(), kHungUp));
}

// Somebody who cannot come back: nobody's settings need to remember it.
void RoomService::Impl::forget_person(Room& room, const ParticipantId& id) {
  for (const auto& other : room.people) {
    other->personal_gains.erase(id);
    std::erase(other->whispers_to, id);
  }
}

void RoomService::Impl::drop_oldest_ticket() {
  const auto& ticket = tickets_.front();
  forget_seat(ticket.participant->info.id);
  if (Room* room = find_room(ticket.room)) forget_person(*room, ticket.participant->info.id);
  tickets_.pop_front();
}

Status RoomService::Impl::leave(TimePoint at, const ParticipantId& id, ConnectionId asking) {
  const auto place = find(id);
  if (!place) return refuse(RefusalCode::not_joined, "not joined");
  if (place.who->connection != asking) close_connection(*place.who, "left", "you have left from elsewhere");
  remove(at, *place.room, *place.who, "left", false);
  hang_up(at, *place.room);
  return Done{};
}

void RoomService::Impl::connection_lost(TimePoint at, ConnectionId connection) {
  const auto found = connections_.find(static_cast<std::uint64_t>(connection));
  if (found == connections_.end()) return;
  const auto place = find(found->second);
  connections_.erase(found);
  place.who->connection = ConnectionId::none;
  if (std::exchange(place.who->info.carrier, Carrier::udp) != Carrier::udp) {
    // If UDP cannot do it the leg's own time-out will tell; until then its owner may come back.
    static_cast<void>(media_.set_carrier(place.who->leg, Carrier::udp));
    tell_updated(*place.room, *place.who);
  }
  if (place.who->leg == LegId::none) remove(at, *place.room, *place.who, "timeout", true);
}

// --- The public face

Result<Joined> RoomService::join(TimePoint at, const JoinRequest& request) {
  impl_->owner_.check();
  return impl_->join(at, request);
}
Status RoomService::leave(TimePoint at, const ParticipantId& who, ConnectionId asking) {
  impl_->owner_.check();
  return impl_->leave(at, who, asking);
}
void RoomService::connection_lost(TimePoint at, ConnectionId connection) {
  impl_->owner_.check();
  impl_->connection_lost(at, connection);
}
std::optional<ParticipantId> RoomService::holder(std::string_view room, std::string_view resume) const {
  return impl_->holder(room, resume);
}

}  // namespace parley::room
