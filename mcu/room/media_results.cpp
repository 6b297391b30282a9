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

void RoomService::talking(LegId leg, bool talking, std::uint8_t level) {
  impl_->owner_.check();
  const auto place = impl_->find(leg);
  if (!place) return;
  auto& info = place.who->info;
  const bool same = info.talking == talking;
  if (same && talking) this->level(leg, level);
  if (same) return;
  info.talking = talking;
  info.level = talking ? std::min(level, kSilence) : kSilence;
  if (impl_->watcher_ != nullptr) impl_->watcher_->participant_talking(place.room->name(), info.id, talking);
  impl_->tell_room(*place.room, Talking{info.id, talking, info.level});
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

Status RoomService::report_path(TimePoint at, const ParticipantId& who, PathReport report) {
  impl_->owner_.check();
  const auto place = impl_->joined(who);
  if (!place) return place.error();
  report.at = at;
  if (report.path != "direct") {
    report.call.clear();
    place->who->mcu_report = std::move(report);
    return Done{};
  }
  const auto peer = impl_->other_end(who, report.call);
  if (!peer) return peer.error();
  report.peer = peer->who->info.name;
  place->who->direct_report = std::move(report);
  return Done{};
}

void RoomService::quality_alarm(std::string_view name, const QualityAlarm& alarm) {
  impl_->owner_.check();
  const Room* room = impl_->find_room(name);
  if (room == nullptr) return;
  for (const auto& who : room->people)
    if (who->info.role == Role::moderator || who->info.id == alarm.participant) impl_->tell(*who, alarm);
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
