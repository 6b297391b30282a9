// What people do to themselves, to each other and, as moderators, to the room. The state is kept here and
// told to the media plane; a participant without a leg is told about when it gets one (apply_everything).
#include <algorithm>
#include <cmath>

#include "mcu/room/names.hpp"
#include "mcu/room/room_service_impl.hpp"

namespace parley::room {
namespace {

constexpr float kMinGainDb = -40.0F;
constexpr float kMaxGainDb = 12.0F;
constexpr std::uint32_t kMaxGroup = 1000;
constexpr std::size_t kMaxChatBytes = 2000;
constexpr std::size_t kMaxReportBytes = 8 * 1024;

bool valid_gain(float db) {
  return std::isfinite(db) && db >= kMinGainDb && db <= kMaxGainDb;
}
Error bad_gain() {
  return refuse(RefusalCode::bad_value, "a gain lies between -40 and 12 dB");
}

}  // namespace

// --- To the media plane

void RoomService::Impl::apply_mute(Room& room, Participant& who) {
  const bool muted = who.muted_by_moderator || who.muted_by_self;
  if (std::exchange(who.info.muted, muted) == muted) return;
  if (who.leg != LegId::none) media_.set_muted(who.leg, muted);
  if (watcher_ != nullptr) watcher_->participant_muted(room.name(), who.info.id, who.leg, muted);
  tell_updated(room, who);
}

void RoomService::Impl::apply_personal_gain(const Room& room, const Participant& listener,
                                            const ParticipantId& talker) {
  const Participant* source = room.find(talker);
  if (source == nullptr || source->leg == LegId::none || listener.leg == LegId::none) return;
  const auto found = listener.personal_gains.find(talker);
  const auto gain = found == listener.personal_gains.end() ? PersonalGain{} : found->second;
  media_.set_personal_gain(listener.leg, source->leg, gain.db, gain.mute);
}

// An empty audience means everybody to the media plane. A whisper whose hearers have all gone must not become
// public: its audience is then the talker itself, who does not hear itself anyway.
void RoomService::Impl::apply_whisper(const Room& room, const Participant& talker) {
  if (talker.leg == LegId::none) return;
  std::vector<LegId> audience;
  if (talker.whispers) {
    for (const auto& id : talker.whispers_to)
      if (const Participant* hearer = room.find(id); hearer != nullptr && hearer->leg != LegId::none)
        audience.push_back(hearer->leg);
    if (audience.empty()) audience.push_back(talker.leg);
  }
  media_.set_audience(talker.leg, audience, talker.whisper_duck_db);
}

void RoomService::Impl::apply_everything(const Room& room, const Participant& who) {
  if (who.info.muted) media_.set_muted(who.leg, true);
  if (who.info.gain_db != 0) media_.set_gain(who.leg, who.info.gain_db);
  if (who.info.group != 0) media_.set_group(who.leg, who.info.group);
  for (const auto& [talker, gain] : who.personal_gains) apply_personal_gain(room, who, talker);
  if (who.whispers) apply_whisper(room, who);
  for (const auto& other : room.people) {
    if (other.get() == &who) continue;
    if (other->personal_gains.contains(who.info.id)) apply_personal_gain(room, *other, who.info.id);
    if (other->whispers_to_includes(who.info.id)) apply_whisper(room, *other);
  }
}

// --- Who may

Result<RoomService::Impl::Place> RoomService::Impl::joined(const ParticipantId& id) const {
  const auto place = find(id);
  if (!place) return refuse(RefusalCode::not_joined, "not joined");
  return place;
}

Result<Room*> RoomService::Impl::moderated_room(std::string_view name, const ParticipantId& by) const {
  Room* room = find_room(name);
  if (room == nullptr) return refuse(RefusalCode::no_such_room, "there is no such room");
  if (by.empty()) return room;
  const Participant* moderator = room->find(by);
  if (moderator == nullptr) return refuse(RefusalCode::not_joined, "not joined");
  if (moderator->info.role != Role::moderator)
    return refuse(RefusalCode::forbidden, "this is for moderators");
  return room;
}

Result<RoomService::Impl::Place> RoomService::Impl::moderated(std::string_view name, const ParticipantId& by,
                                                              const ParticipantId& who) const {
  auto room = moderated_room(name, by);
  if (!room) return room.error();
  Participant* found = (*room)->find(who);
  if (found == nullptr) return no_such_participant();
  return Place{*room, found};
}

Status RoomService::may_moderate(std::string_view room, const ParticipantId& by) const {
  impl_->owner_.check();
  const auto found = impl_->moderated_room(room, by);
  if (!found) return found.error();
  return Done{};
}

// --- A participant about itself

Status RoomService::update_direction(const ParticipantId& who, std::optional<bool> sends,
                                     std::optional<bool> receives) {
  impl_->owner_.check();
  auto place = impl_->joined(who);
  if (!place) return place.error();
  auto& info = place->who->info;
  const MediaDirection wanted{sends.value_or(info.sends), receives.value_or(info.receives)};
  if (wanted.sends == info.sends && wanted.receives == info.receives) return Done{};
  info.sends = wanted.sends;
  info.receives = wanted.receives;
  if (place->who->leg != LegId::none) impl_->media_.set_direction(place->who->leg, wanted);
  impl_->tell_updated(*place->room, *place->who);
  return Done{};
}

Result<std::string> RoomService::patch_media(const ParticipantId& who, const std::string& sdp_fragment) {
  impl_->owner_.check();
  auto place = impl_->joined(who);
  if (!place) return place.error();
  if (place->who->leg == LegId::none) return refuse(RefusalCode::conflict, "there is no media to change");
  auto answer = impl_->media_.patch_leg(place->who->leg, sdp_fragment);
  if (!answer) return refuse(refusal_from_media(answer.error().code), answer.error().what);
  if (!answer->empty()) ++place->who->ice_generation;
  return answer;
}

std::uint32_t RoomService::ice_generation(const ParticipantId& who) const {
  const auto place = impl_->find(who);
  return place ? place.who->ice_generation : 0;
}

Status RoomService::mute_self(const ParticipantId& who, bool muted) {
  impl_->owner_.check();
  auto place = impl_->joined(who);
  if (!place) return place.error();
  if (!muted && place->who->muted_by_moderator)
    return refuse(RefusalCode::forbidden, "a moderator has muted you");
  place->who->muted_by_self = muted;
  impl_->apply_mute(*place->room, *place->who);
  return Done{};
}

Status RoomService::raise_hand(const ParticipantId& who, bool raised) {
  impl_->owner_.check();
  auto place = impl_->joined(who);
  if (!place) return place.error();
  if (std::exchange(place->who->info.hand, raised) != raised) impl_->tell_updated(*place->room, *place->who);
  return Done{};
}

Status RoomService::chat(const ParticipantId& who, const std::string& text) {
  impl_->owner_.check();
  auto place = impl_->joined(who);
  if (!place) return place.error();
  if (text.empty() || text.size() > kMaxChatBytes || !valid_text(text, true))
    return refuse(RefusalCode::bad_value, "a chat message has 1 to 2000 bytes of text");
  impl_->tell_room(*place->room, Chat{who, place->who->info.name, text});
  return Done{};
}

Status RoomService::report(const ParticipantId& who, std::string json) {
  impl_->owner_.check();
  auto place = impl_->joined(who);
  if (!place) return place.error();
  if (json.size() > kMaxReportBytes) return refuse(RefusalCode::bad_value, "a report has at most 8 KiB");
  place->who->client_report = std::move(json);
  return Done{};
}

Status RoomService::set_personal_gain(const ParticipantId& listener, const ParticipantId& talker,
                                      PersonalGain gain) {
  impl_->owner_.check();
  auto place = impl_->joined(listener);
  if (!place) return place.error();
  if (place->room->find(talker) == nullptr || talker == listener) return no_such_participant();
  if (gain.db && !valid_gain(*gain.db)) return bad_gain();
  auto& gains = place->who->personal_gains;
  if (gain.mute || gain.db.value_or(0.0F) != 0.0F)
    gains[talker] = gain;
  else
    gains.erase(talker);
  impl_->apply_personal_gain(*place->room, *place->who, talker);
  impl_->review_direct(*place->room);
  return Done{};
}

Status RoomService::whisper(const ParticipantId& talker, const std::vector<ParticipantId>& to,
                            float duck_db) {
  impl_->owner_.check();
  auto place = impl_->joined(talker);
  if (!place) return place.error();
  if (!std::isfinite(duck_db) || duck_db > 0 || duck_db < kMinGainDb)
    return refuse(RefusalCode::bad_value, "duck_db lies between -40 and 0");
  if (to.size() > place->room->people.size()) return no_such_participant();
  for (const auto& id : to) {
    const auto hearer = impl_->find(id);
    if (hearer.room != place->room || id == talker) return no_such_participant();
  }
  Participant& who = *place->who;
  who.whispers = !to.empty();
  who.whispers_to = to;
  std::sort(who.whispers_to.begin(), who.whispers_to.end());
  who.whispers_to.erase(std::unique(who.whispers_to.begin(), who.whispers_to.end()), who.whispers_to.end());
  who.whisper_duck_db = duck_db;
  impl_->apply_whisper(*place->room, who);
  impl_->review_direct(*place->room);
  return Done{};
}

// --- Moderation

Status RoomService::mute(std::string_view room, const ParticipantId& by, const ParticipantId& who,
                         bool muted) {
  impl_->owner_.check();
  auto place = impl_->moderated(room, by, who);
  if (!place) return place.error();
  place->who->muted_by_moderator = muted;
  impl_->apply_mute(*place->room, *place->who);
  impl_->keep_seat(*place->room, *place->who);
  return Done{};
}

Status RoomService::kick(TimePoint at, std::string_view room, const ParticipantId& by,
                         const ParticipantId& who, const std::string& message) {
  impl_->owner_.check();
  auto place = impl_->moderated(room, by, who);
  if (!place) return place.error();
  if (message.size() > kMaxChatBytes || !valid_text(message, true))
    return refuse(RefusalCode::bad_value, "a reason has at most 2000 bytes of text");
  impl_->close_connection(*place->who, "kicked", message.empty() ? "a moderator has put you out" : message);
  impl_->remove(at, *place->room, *place->who, "kicked", false);
  impl_->hang_up(at, *place->room);
  return Done{};
}

Status RoomService::set_gain(std::string_view room, const ParticipantId& by, const ParticipantId& who,
                             float gain_db) {
  impl_->owner_.check();
  auto place = impl_->moderated(room, by, who);
  if (!place) return place.error();
  if (!valid_gain(gain_db)) return bad_gain();
  if (std::exchange(place->who->info.gain_db, gain_db) == gain_db) return Done{};
  if (place->who->leg != LegId::none) impl_->media_.set_gain(place->who->leg, gain_db);
  impl_->tell_updated(*place->room, *place->who);
  return Done{};
}

Status RoomService::set_carrier(const ParticipantId& who, Carrier carrier) {
  impl_->owner_.check();
  auto place = impl_->joined(who);
  if (!place) return place.error();
  if (place->who->leg == LegId::none) return refuse(RefusalCode::conflict, "there is no media at present");
  if (const auto set = impl_->media_.set_carrier(place->who->leg, carrier); !set)
    return refuse(refusal_from_media(set.error().code), set.error().what);
  const Carrier shown = carrier == Carrier::udp ? Carrier::udp : Carrier::websocket;
  if (std::exchange(place->who->info.carrier, shown) != shown) impl_->tell_updated(*place->room, *place->who);
  return Done{};
}

Status RoomService::set_group(std::string_view room, const ParticipantId& by, const ParticipantId& who,
                              std::uint32_t group) {
  impl_->owner_.check();
  auto place = impl_->moderated(room, by, who);
  if (!place) return place.error();
  if (group > kMaxGroup) return refuse(RefusalCode::bad_value, "a group lies between 0 (the room) and 1000");
  if (std::exchange(place->who->info.group, group) == group) return Done{};
  if (place->who->leg != LegId::none) impl_->media_.set_group(place->who->leg, group);
  impl_->tell_updated(*place->room, *place->who);
  return Done{};
}

Status RoomService::dissolve_groups(std::string_view room, const ParticipantId& by,
                                    std::optional<std::uint32_t> group) {
  impl_->owner_.check();
  auto found = impl_->moderated_room(room, by);
  if (!found) return found.error();
  for (const auto& who : (*found)->people) {
    if (who->info.group == 0 || (group && who->info.group != *group)) continue;
    who->info.group = 0;
    if (who->leg != LegId::none) impl_->media_.set_group(who->leg, 0);
    impl_->tell_updated(**found, *who);
  }
  return Done{};
}

Status RoomService::set_locked(std::string_view room, const ParticipantId& by, bool locked) {
  impl_->owner_.check();
  auto found = impl_->moderated_room(room, by);
  if (!found) return found.error();
  if (std::exchange((*found)->locked, locked) != locked) impl_->tell_state(**found);
  return Done{};
}

Status RoomService::mute_all(std::string_view room, const ParticipantId& by) {
  impl_->owner_.check();
  auto found = impl_->moderated_room(room, by);
  if (!found) return found.error();
  for (const auto& who : (*found)->people) {
    if (who->info.id == by) continue;
    who->muted_by_moderator = true;
    impl_->apply_mute(**found, *who);
    impl_->keep_seat(**found, *who);
  }
  return Done{};
}

Status RoomService::end_whispers(std::string_view room, const ParticipantId& by) {
  impl_->owner_.check();
  auto found = impl_->moderated_room(room, by);
  if (!found) return found.error();
  for (const auto& who : (*found)->people) {
    if (!std::exchange(who->whispers, false)) continue;
    who->whispers_to.clear();
    impl_->apply_whisper(**found, *who);
  }
  return Done{};
}

}  // namespace parley::room
