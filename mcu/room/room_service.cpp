#include "mcu/room/room_service.hpp"

#include <algorithm>

#include "mcu/room/names.hpp"
#include "mcu/room/room_service_impl.hpp"
#include "transport/base/log.hpp"

namespace parley::room {
namespace {

constexpr std::size_t kMaxPin = 64;
constexpr std::size_t kMaxParticipantsOption = 100'000;
constexpr int kMaxTalkersOption = 1000;
// A burst that a classroom makes when the bell rings; the rate is what lasts.
constexpr double kBurstSeconds = 5;
constexpr double kWrongPinsPerSecond = 0.2;
constexpr double kWrongPinsBurst = 10;
// How long one of a call waits for the other, who was lost or has not come yet.
constexpr Duration kAlone = 30s;

Status check_options(const RoomOptions& options) {
  if (!valid_room_name(options.name))
    return refuse(RefusalCode::bad_value,
                  "a room's name has 1 to 64 characters, without '/' and without a space at its ends");
  if (text_length(options.pin).value_or(kMaxPin + 1) > kMaxPin)
    return refuse(RefusalCode::bad_value, "a PIN has at most 64 characters");
  if (options.max_participants &&
      (*options.max_participants < 1 || *options.max_participants > kMaxParticipantsOption))
    return refuse(RefusalCode::bad_value, "max_participants lies between 1 and 100000");
  if (options.max_talkers && (*options.max_talkers < 0 || *options.max_talkers > kMaxTalkersOption))
    return refuse(RefusalCode::bad_value, "max_talkers lies between 0 (all) and 1000");
  return Done{};
}

Error no_such_room() {
  return refuse(RefusalCode::no_such_room, "there is no such room");
}

}  // namespace

const char* to_string(Role role) {
  return role == Role::moderator ? "moderator" : "participant";
}

Participant* Room::find(std::string_view id) const {
  const auto found =
      std::find_if(people.begin(), people.end(), [id](const auto& p) { return p->info.id == id; });
  return found == people.end() ? nullptr : found->get();
}
bool Participant::whispers_to_includes(const ParticipantId& id) const {
  return whispers && std::find(whispers_to.begin(), whispers_to.end(), id) != whispers_to.end();
}
std::size_t Room::legs() const {
  return static_cast<std::size_t>(
      std::count_if(people.begin(), people.end(), [](const auto& p) { return p->leg != LegId::none; }));
}

RoomService::Impl::Impl(RoomSettings settings, MediaPort& media, EventSink& events)
    : settings_(std::move(settings)),
      media_(media),
      events_(events),
      all_joins_(settings_.joins_per_second, settings_.joins_per_second * kBurstSeconds),
      joins_by_address_(settings_.joins_per_second_per_address,
                        settings_.joins_per_second_per_address * kBurstSeconds),
      wrong_pins_(kWrongPinsPerSecond, kWrongPinsBurst) {}

void RoomService::Impl::reload(const RoomSettings& settings) {
  settings_ = settings;
  all_joins_ = TokenBucket(settings.joins_per_second, settings.joins_per_second * kBurstSeconds);
  joins_by_address_ = AddressLimiter(settings.joins_per_second_per_address,
                                     settings.joins_per_second_per_address * kBurstSeconds);
}

// --- Rooms

Room* RoomService::Impl::find_room(std::string_view name) const {
  const auto found = rooms_.find(name);
  return found == rooms_.end() ? nullptr : found->second.get();
}

Room& RoomService::Impl::add_room(TimePoint at, const RoomOptions& options) {
  auto room = std::make_unique<Room>();
  room->options = options;
  room->max_participants = options.max_participants.value_or(settings_.max_participants_per_room);
  room->max_talkers = options.max_talkers.value_or(settings_.max_talkers);
  room->created = room->empty_since = room->together_at = at;
  return *rooms_.emplace(options.name, std::move(room)).first->second;
}

Status RoomService::Impl::create_room(TimePoint at, const RoomOptions& options) {
  if (auto checked = check_options(options); !checked) return checked;
  if (stopping_) return refuse(RefusalCode::server_stopping, "the server is stopping");
  if (find_room(options.name) != nullptr)
    return refuse(RefusalCode::name_taken, "a room of this name exists already");
  if (rooms_.size() >= settings_.max_rooms)
    return refuse(RefusalCode::server_full, "this server has as many rooms as it may");
  add_room(at, options);
  log::info("room {}: created", options.name);
  return Done{};
}

// Those who are put out hear it from the room itself; nobody is left who would need `participant-left`.
void RoomService::Impl::put_out_all(Room& room, const std::string& reason, const std::string& message) {
  std::vector<ConnectionId> connections;
  for (const auto& who : room.people) {
    if (who->connection != ConnectionId::none) {
      connections.push_back(who->connection);
      connections_.erase(static_cast<std::uint64_t>(who->connection));
    }
    drop_leg(room, *who, reason);
    forget_seat(who->info.id);
    people_.erase(who->info.id);
  }
  if (!connections.empty()) events_.publish(connections, Closed{reason, message});
  room.people.clear();
  room.media_holds = 0;
  room.streaming = false;
  close_media_if_unused(room);
}

Status RoomService::Impl::close_room(TimePoint at, std::string_view name, const std::string& reason) {
  Room* room = find_room(name);
  if (room == nullptr) return no_such_room();
  put_out_all(*room, reason, reason == kHungUp ? "the other has hung up" : "the room has been closed");
  std::erase_if(tickets_, [&](const Ticket& ticket) {
    if (ticket.room != name) return false;
    forget_seat(ticket.participant->info.id);
    return true;
  });
  log::info("room {}: closed ({}) after {:.0f} s", room->name(), reason, to_seconds(at - room->created));
  if (watcher_ != nullptr) watcher_->room_closed(room->name());
  rooms_.erase(rooms_.find(name));
  return Done{};
}

void RoomService::Impl::close_all(TimePoint at, const std::string& reason, const std::string& message) {
  stopping_ = true;
  for (const auto& [name, room] : rooms_) {
    put_out_all(*room, reason, message);
    if (watcher_ != nullptr) watcher_->room_closed(name);
    log::info("room {}: closed ({}) after {:.0f} s", name, reason, to_seconds(at - room->created));
  }
  rooms_.clear();
  tickets_.clear();
}

Result<RoomId> RoomService::Impl::hold_media(TimePoint at, const std::string& name) {
  if (stopping_) return refuse(RefusalCode::server_stopping, "the server is stopping");
  if (!valid_room_name(name)) return refuse(RefusalCode::bad_value, "this cannot be a room's name");
  Room* room = find_room(name);
  if (room == nullptr) {
    if (rooms_.size() >= settings_.max_rooms)
      return refuse(RefusalCode::server_full, "this server has as many rooms as it may");
    RoomOptions options;
    options.name = name;
    room = &add_room(at, options);
    log::info("room {}: created for its media", name);
  }
  open_media(*room);
  ++room->media_holds;
  review_direct(*room);
  return room->media;
}

void RoomService::Impl::release_media(TimePoint at, std::string_view name, RoomId media) {
  Room* room = find_room(name);
  if (room == nullptr || room->media != media || room->media_holds == 0) return;
  --room->media_holds;
  close_media_if_unused(*room);
  if (room->people.empty()) room->empty_since = at;
}

RoomInfo RoomService::Impl::describe(TimePoint at, const Room& room) const {
  RoomInfo info;
  info.name = room.name();
  info.participants = room.people.size();
  info.max_participants = room.max_participants;
  info.max_talkers = room.max_talkers;
  info.has_pin = !room.options.pin.empty();
  info.locked = room.locked;
  info.recording = room.recording;
  info.streaming = room.streaming;
  info.direct = is_direct(room);
  info.age = at - room.created;
  return info;
}

void RoomService::Impl::on_timer(TimePoint at) {
  while (!tickets_.empty() && tickets_.front().expires <= at) drop_oldest_ticket();
  std::erase_if(used_once_keys_, [at](const auto& entry) { return entry.second <= at; });

  std::vector<std::string> idle, alone;
  for (const auto& [name, room] : rooms_) {
    if (room->people.size() > 1) room->together_at = at;
    if (room->options.call && at - room->together_at >= kAlone) {
      alone.push_back(name);
      continue;
    }
    if (room->people.empty() && room->media_holds == 0 && at - room->empty_since >= settings_.idle_timeout)
      idle.push_back(name);
    Levels levels;
    for (const auto& who : room->people) {
      if (who->info.talking && std::exchange(who->level_changed, false))
        levels.levels.emplace_back(who->info.id, who->info.level);
    }
    if (!levels.levels.empty()) tell_room(*room, levels);
    begin_direct(at, *room);
  }
  for (const auto& name : idle) static_cast<void>(close_room(at, name, "idle"));
  for (const auto& name : alone) static_cast<void>(close_room(at, name, kHungUp));
}

// --- Looking up and telling

RoomService::Impl::Place RoomService::Impl::find(const ParticipantId& id) const {
  const auto found = people_.find(id);
  return found == people_.end() ? Place{} : found->second;
}
RoomService::Impl::Place RoomService::Impl::find(LegId leg) const {
  const auto found = legs_.find(raw(leg));
  return found == legs_.end() ? Place{} : find(found->second);
}

void RoomService::Impl::tell(const Participant& who, const Event& event) {
  if (who.connection != ConnectionId::none) events_.publish(std::span(&who.connection, 1), event);
}

void RoomService::Impl::tell_room(const Room& room, const Event& event, const Participant* except) {
  std::vector<ConnectionId> connections;
  connections.reserve(room.people.size());
  for (const auto& who : room.people)
    if (who.get() != except && who->connection != ConnectionId::none) connections.push_back(who->connection);
  if (!connections.empty()) events_.publish(connections, event);
}

void RoomService::Impl::tell_state(const Room& room, const Participant* except) {
  tell_room(room, RoomUpdated{room.locked, room.recording, room.streaming}, except);
}

void RoomService::Impl::tell_updated(Room& room, const Participant& who) {
  review_direct(room);
  tell_room(room, ParticipantUpdated{who.info});
}

ServiceCounts RoomService::Impl::counts() const {
  ServiceCounts counts;
  counts.rooms = rooms_.size();
  counts.participants = people_.size();
  counts.legs = legs_.size();
  for (const auto& [id, place] : people_) {
    if (place.who->leg == LegId::none) continue;
    ++counts.legs_by_transport[place.who->info.transport];
    ++counts.legs_by_carrier[to_string(place.who->info.carrier)];
    ++counts.legs_by_codec[place.who->info.codec];
  }
  counts.joins = joins_;
  counts.refused = refused_;
  return counts;
}

// --- The public face

RoomService::RoomService(RoomSettings settings, MediaPort& media, EventSink& events)
    : impl_(std::make_unique<Impl>(std::move(settings), media, events)) {}
RoomService::~RoomService() = default;

void RoomService::set_watcher(RoomWatcher& watcher) {
  impl_->watcher_ = &watcher;
}
void RoomService::reload(const RoomSettings& settings) {
  impl_->owner_.check();
  impl_->reload(settings);
}
void RoomService::refuse_joins(bool refuse) {
  impl_->owner_.check();
  impl_->refusing_ = refuse;
}
void RoomService::on_timer(TimePoint at) {
  impl_->owner_.check();
  impl_->on_timer(at);
}
void RoomService::close_all(TimePoint at, const std::string& reason, const std::string& message) {
  impl_->owner_.check();
  impl_->close_all(at, reason, message);
}

Status RoomService::create_room(TimePoint at, const RoomOptions& options) {
  impl_->owner_.check();
  return impl_->create_room(at, options);
}
Status RoomService::close_room(TimePoint at, const std::string& room, const std::string& reason) {
  impl_->owner_.check();
  return impl_->close_room(at, room, reason);
}
std::vector<RoomInfo> RoomService::rooms(TimePoint at) const {
  std::vector<RoomInfo> all;
  all.reserve(impl_->rooms_.size());
  for (const auto& [name, room] : impl_->rooms_) all.push_back(impl_->describe(at, *room));
  return all;
}
Result<RoomInfo> RoomService::room(TimePoint at, std::string_view name) const {
  const Room* room = impl_->find_room(name);
  if (room == nullptr) return no_such_room();
  return impl_->describe(at, *room);
}
Result<std::vector<ParticipantInfo>> RoomService::roster(std::string_view name) const {
  const Room* room = impl_->find_room(name);
  if (room == nullptr) return no_such_room();
  std::vector<ParticipantInfo> roster;
  roster.reserve(room->people.size());
  for (const auto& who : room->people) roster.push_back(who->info);
  return roster;
}
Result<std::vector<ParticipantQuality>> RoomService::quality(std::string_view name) const {
  const Room* room = impl_->find_room(name);
  if (room == nullptr) return no_such_room();
  std::vector<ParticipantQuality> all;
  all.reserve(room->people.size());
  for (const auto& who : room->people)
    all.push_back({who->info.id, who->info.name, who->leg, who->connected, who->info.carrier, who->info.codec,
                   who->traffic, who->client_report, who->address, who->mcu_report, who->direct_report});
  return all;
}
Result<RoomId> RoomService::media_room(std::string_view name) const {
  const Room* room = impl_->find_room(name);
  if (room == nullptr) return no_such_room();
  return room->media;
}

Result<RoomId> RoomService::hold_media(TimePoint at, const std::string& room) {
  impl_->owner_.check();
  return impl_->hold_media(at, room);
}
void RoomService::release_media(TimePoint at, std::string_view room, RoomId media) {
  impl_->owner_.check();
  impl_->release_media(at, room, media);
}
void RoomService::announce(std::string_view name, const Event& event) {
  impl_->owner_.check();
  if (const Room* room = impl_->find_room(name)) impl_->tell_room(*room, event);
}

void RoomService::tell_moderators(std::string_view name, const Event& event) {
  impl_->owner_.check();
  const Room* room = impl_->find_room(name);
  if (room == nullptr) return;
  for (const auto& who : room->people)
    if (who->info.role == Role::moderator) impl_->tell(*who, event);
}

std::optional<std::string> RoomService::room_of(const ParticipantId& who) const {
  const auto place = impl_->find(who);
  return place ? std::optional(place.room->name()) : std::nullopt;
}
std::optional<ParticipantId> RoomService::participant_of(LegId leg) const {
  const auto place = impl_->find(leg);
  return place ? std::optional(place.who->info.id) : std::nullopt;
}
ServiceCounts RoomService::counts() const {
  return impl_->counts();
}

}  // namespace parley::room
