// Calls of two that leave the server's media plane. The server brings the two ends together and relays what
// they tell each other; media and its keys pass it by. Its own legs stay up, quiet, for the way back.
#include <algorithm>
#include <array>

#include "mcu/room/room_service_impl.hpp"
#include "transport/base/ids.hpp"
#include "transport/base/log.hpp"

namespace parley::room {
namespace {

constexpr std::size_t kCallIdLength = 12;
constexpr std::size_t kMaxDirectCandidates = 20;
// After a failure: with `auto` longer each time, since what could not be punched will not be so soon.
constexpr Duration kFirstPause = 30s;
constexpr Duration kLastPause = 10min;
constexpr Duration kAlwaysPause = 10s;

Error no_such_call() {
  return refuse(RefusalCode::conflict, "there is no such direct call (any more)");
}

// What only the server can do to somebody's sound.
bool is_plain(const Participant& who) {
  return !who.muted_by_moderator && who.info.gain_db == 0 && who.info.group == 0 && !who.whispers &&
         who.personal_gains.empty();
}

bool can_go_direct(const Participant& who) {
  return who.direct && who.connection != ConnectionId::none && who.leg != LegId::none && who.connected &&
         who.info.transport == "dtls-srtp" && who.info.codec == "opus";
}

}  // namespace

const char* to_string(DirectPolicy policy) {
  switch (policy) {
    case DirectPolicy::never:
      return "never";
    case DirectPolicy::always:
      return "always";
    case DirectPolicy::automatic:
      break;
  }
  return "auto";
}

DirectPolicy RoomService::Impl::direct_policy(const Room& room) const {
  return room.options.direct.value_or(settings_.direct);
}

// Empty: the room's media may go direct.
std::string RoomService::Impl::why_not_direct(const Room& room) const {
  if (direct_policy(room) == DirectPolicy::never) return "policy";
  if (room.recording) return "recording";
  if (room.media_holds > 0) return "broadcast";  // streams and players
  if (room.people.size() != 2) return "participants";
  for (const auto& who : room.people) {
    if (!can_go_direct(*who)) return "participants";
    if (!is_plain(*who)) return "moderation";
  }
  return {};
}

void RoomService::Impl::begin_direct(TimePoint at, Room& room) {
  if (room.direct || at < room.direct_not_before || !why_not_direct(room).empty()) return;
  DirectCall call;
  call.id = random_token(kCallIdLength);
  for (std::size_t i = 0; i < 2; ++i) call.ends[i] = room.people[i]->info.id;
  room.direct = call;
  for (std::size_t i = 0; i < 2; ++i) {
    tell(*room.people[i], DirectStart{call.id, call.ends[1 - i], i == 0, settings_.direct_probing});
    if (!room.people[1 - i]->address.empty())
      tell(*room.people[i], DirectAddress{call.id, room.people[1 - i]->address});
  }
  log::debug("room {}: trying a direct call", room.name());
}

// Called whenever something has changed that might forbid it.
void RoomService::Impl::review_direct(Room& room) {
  if (!room.direct) return;
  if (const auto why = why_not_direct(room); !why.empty()) end_direct(room, why);
}

void RoomService::Impl::end_direct(Room& room, const std::string& reason) {
  const DirectCall call = *room.direct;
  room.direct.reset();
  log::info("room {}: media on the server again ({})", room.name(), log::printable(reason, 64));
  for (const auto& who : room.people)
    if (call.has(who->info.id)) tell(*who, DirectStop{call.id, reason});
}

Result<RoomService::Impl::Place> RoomService::Impl::other_end(const ParticipantId& id,
                                                              std::string_view call) const {
  const auto place = joined(id);
  if (!place) return place.error();
  const auto& direct = place->room->direct;
  if (!direct || direct->id != call || !direct->has(id)) return no_such_call();
  const auto& peer = direct->ends[direct->ends[0] == id ? 1 : 0];
  Participant* who = place->room->find(peer);
  if (who == nullptr) return no_such_call();
  return Place{place->room, who};
}

bool RoomService::Impl::is_direct(const Room& room) {
  return room.direct && room.direct->active[0] && room.direct->active[1];
}

Status RoomService::direct_offer(const ParticipantId& who, const DirectTerms& terms) {
  impl_->owner_.check();
  const auto peer = impl_->other_end(who, terms.call);
  if (!peer) return peer.error();
  if (terms.candidates.size() > kMaxDirectCandidates)
    return refuse(RefusalCode::bad_value, "at most 20 candidates");
  impl_->tell(*peer->who, DirectPeer{terms});
  return Done{};
}

Status RoomService::direct_state(TimePoint at, const ParticipantId& who, std::string_view call,
                                 std::string_view state, const std::string& reason) {
  impl_->owner_.check();
  const auto peer = impl_->other_end(who, call);
  if (!peer) return peer.error();
  Room& room = *peer->room;
  if (state == "failed") {
    const bool always = impl_->direct_policy(room) == DirectPolicy::always;
    room.direct_pause = always ? kAlwaysPause : std::clamp(room.direct_pause * 2, kFirstPause, kLastPause);
    room.direct_not_before = at + room.direct_pause;
    impl_->end_direct(room, reason.empty() ? "failed" : reason);
    return Done{};
  }
  constexpr std::array<std::string_view, 5> kRelayed = {"ready", "active", "trouble", "ports-constant",
                                                        "ports-vary"};
  if (std::find(kRelayed.begin(), kRelayed.end(), state) == kRelayed.end())
    return refuse(RefusalCode::bad_value,
                  "state is one of ready, active, trouble, failed, ports-constant, ports-vary");
  if (state == "active") {
    room.direct->active[room.direct->ends[0] == who ? 0 : 1] = true;
    room.direct_pause = {};
    if (impl_->is_direct(room)) log::info("room {}: media goes direct", room.name());
  }
  impl_->tell(*peer->who, DirectPeerState{std::string(call), std::string(state)});
  return Done{};
}

// A peer behind a NAT that has changed its mapping can be reached only where the server sees it now.
void RoomService::leg_address(LegId leg, const std::string& address) {
  impl_->owner_.check();
  const auto place = impl_->find(leg);
  if (!place || std::exchange(place.who->address, address) == address) return;
  place.room->direct_not_before = {};  // another network, another chance
  const auto& direct = place.room->direct;
  if (!direct || !direct->has(place.who->info.id)) return;
  for (const auto& other : place.room->people)
    if (other.get() != place.who && direct->has(other->info.id))
      impl_->tell(*other, DirectAddress{direct->id, address});
}

}  // namespace parley::room
