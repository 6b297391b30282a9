// What of the rooms outlives the server. Who comes in by WHIP cannot resume over a connection and is not
// kept.
#include "mcu/room/seats.hpp"

#include "mcu/room/names.hpp"
#include "mcu/room/room_service_impl.hpp"
#include "transport/base/log.hpp"

namespace parley::room {

// The file may be anybody's work: what could not have been written by us is left out.
void RoomService::Impl::restore(TimePoint at, const Memory& memory) {
  for (const auto& seat : memory.seats) {
    const auto name = display_name(seat.name);
    const bool usable = tickets_.size() < kMaxTickets && valid_room_name(seat.room) && name &&
                        seat.participant.size() == kParticipantIdLength &&
                        seat.resume.size() == kResumeLength;
    if (!usable) continue;
    auto who = std::make_unique<Participant>();
    who->info.id = seat.participant;
    who->info.name = *name;
    who->info.role = seat.role;
    who->info.muted = who->muted_by_moderator = seat.muted;
    who->resume = seat.resume;
    who->of_call = seat.call;
    tickets_.push_back({seat.room, std::move(who), at + kTicketLife});
  }
  for (const auto& [key, expires] : memory.used_once_keys)
    if (expires > at && used_once_keys_.size() < kMaxOnceKeys) used_once_keys_.emplace(key, expires);
}

void RoomService::Impl::keep_seat(const Room& room, const Participant& who) {
  if (seats_ == nullptr || who.connection == ConnectionId::none) return;
  seats_->keep({room.name(), who.info.id, who.info.name, who.resume, who.info.role, who.muted_by_moderator,
                room.options.call});
}

void RoomService::Impl::forget_seat(const ParticipantId& who) {
  if (seats_ != nullptr && !stopping_) seats_->forget(who);
}

void RoomService::set_seats(SeatPort& seats) {
  impl_->seats_ = &seats;
}
// Before the server runs, on whichever thread makes it.
void RoomService::restore(TimePoint at, const Memory& memory) {
  impl_->restore(at, memory);
}

}  // namespace parley::room
