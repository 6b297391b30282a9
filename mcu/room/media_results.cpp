// What the media plane reports about legs.
#include <algorithm>
#include <cmath>

#include "mcu/room/room_service_impl.hpp"

namespace parley::room {
namespace {

constexpr Duration kUplinkInterval = 2s;
constexpr float kAdviceStepDb = 0.1F;
constexpr std::uint8_t kSilence = 127;

// A client adapts in steps; smaller changes than these would not move it.
bool differs(double told, double now, double step, double share) {
  return std::abs(now - told) >= std::max(step, share * told);
}

// The leg ended and nobody is there to offer again: with which reason do the others see the participant go?
const char* reason_of(LegGone why) {
  switch (why) {
    case LegGone::timeout:
      return "timeout";
    case LegGone::failed:
      return "media-failed";
    case LegGone::bye:
    case LegGone::closed:
      break;
  }
  return "left";
}

}  // namespace

void RoomService::leg_connected(LegId leg) {
  impl_->owner_.check();
  if (const auto place = impl_->find(leg)) place.who->connected = true;
}

void RoomService::leg_gone(TimePoint at, LegId leg, LegGone why) {
  impl_->owner_.check();
  const auto place = impl_->find(leg);
  if (!place) return;
  if (place.who->connection == ConnectionId::none) {
    impl_->remove(at, *place.room, *place.who, reason_of(why), true);
    return;
  }
  impl_->drop_leg(*place.room, *place.who, reason_of(why));
  impl_->tell_updated(*place.room, *place.who);
  impl_->close_media_if_unused(*place.room);
}

void RoomService::Impl::show_talking(Room& room, Participant& who, std::uint8_t level) {
  const bool talking = who.heard_talking || who.reports_talking;
  if (std::exchange(who.info.talking, talking) == talking) return;
  who.info.level = talking ? std::min(level, kSilence) : kSilence;
  if (watcher_ != nullptr) watcher_->participant_talking(room.name(), who.info.id, talking);
  tell_room(room, Talking{who.info.id, talking, who.info.level});
}

void RoomService::talking(LegId leg, bool talking, std::uint8_t level) {
  impl_->owner_.check();
  const auto place = impl_->find(leg);
  if (!place) return;
  if (std::exchange(place.who->heard_talking, talking) && talking) this->level(leg, level);
  impl_->show_talking(*place.room, *place.who, level);
}

void RoomService::level(LegId leg, std::uint8_t level) {
  impl_->owner_.check();
  const auto place = impl_->find(leg);
  if (!place || !place.who->info.talking) return;
  const auto bounded = std::min(level, kSilence);
  if (std::exchange(place.who->info.level, bounded) != bounded) place.who->level_changed = true;
}

void RoomService::gain_advice(LegId leg, float gain_db) {
  impl_->owner_.check();
  const auto place = impl_->find(leg);
  if (!place || !std::isfinite(gain_db)) return;
  auto& told = place.who->gain_advised;
  if (told && std::abs(*told - gain_db) < kAdviceStepDb) return;
  told = gain_db;
  impl_->tell(*place.who, GainAdvice{gain_db});
}

std::optional<std::pair<std::string, ParticipantId>> RoomService::delay_alarm(LegId leg, double delay_ms) {
  impl_->owner_.check();
  const auto place = impl_->find(leg);
  if (!place || !std::isfinite(delay_ms)) return std::nullopt;
  const DelayAlarm alarm{place.who->info.id, std::max(0.0, delay_ms)};
  tell_moderators(place.room->name(), alarm);
  return std::pair(place.room->name(), place.who->info.id);
}

void RoomService::traffic(TimePoint at, LegId leg, const TrafficReport& report) {
  impl_->owner_.check();
  const auto place = impl_->find(leg);
  if (!place) return;
  Participant& who = *place.who;
  who.traffic = report;
  auto& told = who.uplink_told;
  if (told.at && at - *told.at < kUplinkInterval) return;
  const bool changed =
      !told.at || differs(told.loss, report.fraction_lost_in, 0.01, 0) ||
      differs(told.jitter_ms, report.jitter_in_ms, 2, 0.2) ||
      differs(std::max(told.round_trip_ms, 0.0), std::max(report.round_trip_ms, 0.0), 10, 0.2);
  if (!changed) return;
  told = {report.fraction_lost_in, report.jitter_in_ms, report.round_trip_ms, at};
  impl_->tell(who, Uplink{report.fraction_lost_in, report.jitter_in_ms, report.round_trip_ms});
}

void RoomService::set_recording(std::string_view name, bool recording) {
  impl_->owner_.check();
  Room* room = impl_->find_room(name);
  if (room == nullptr || std::exchange(room->recording, recording) == recording) return;
  impl_->tell_state(*room);
  impl_->review_direct(*room);
}

void RoomService::set_streaming(std::string_view name, bool streaming) {
  impl_->owner_.check();
  Room* room = impl_->find_room(name);
  if (room == nullptr || std::exchange(room->streaming, streaming) == streaming) return;
  impl_->tell_state(*room);
}

}  // namespace parley::room
