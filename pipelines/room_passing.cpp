// Talkers whose packets are all that is needed of them: every listener is served verbatim, or nobody listens.
// They are not decoded. What comes back when somebody needs their sound again are the last 200 ms of packets,
// which the receiver keeps: they bring its decoder up to date, and the mixes that rested.
#include <algorithm>
#include <cmath>
#include <utility>

#include "pipelines/room_impl.hpp"

namespace parley::pipelines {

namespace {

constexpr Duration kGlanceEvery = 400ms;   // at a talker that is passed on
constexpr Duration kGlanceUntold = 200ms;  // the same while its packets do not tell that it speaks
constexpr float kHeardSilence = -55.0F;    // dBFS
constexpr Duration kGlanceAgain = 100ms;   // after one that found silence: words have pauses
constexpr int kSilentGlances = 3;          // in a row are no pause any more
constexpr Duration kDoubt = 300ms;         // then it is decoded for so long, and judged
constexpr double kFirstMeasure = 10;       // seconds of speech until a talker's loudness is known
constexpr Duration kMeasure = 500ms;       // and then this much of it
constexpr double kOtherLoudness = 6;       // LU: such a sample asks for more of it
constexpr Duration kMeasureEvery = 10s;    // every so often

}  // namespace

// Auto level hears a talker out at first and whenever its gain moves; later a sample now and then will do.
bool RoomPipeline::Impl::wants_measure(Leg& leg, TimePoint at) {
  if (config_.auto_level == AutoLevel::off) return false;
  if (!leg.levelling) return true;
  Levelling& levelling = *leg.levelling;
  if (levelling.meter.seconds_measured() < kFirstMeasure || levelling.gain.moving()) return true;
  if (levelling.sampling) {
    const double change = levelling.meter.momentary_lufs() - levelling.meter.short_term_lufs();
    levelling.sampling = std::abs(change) > kOtherLoudness;
  } else {
    levelling.sampling = at >= levelling.next;
  }
  if (!levelling.sampling) return false;
  levelling.next = at + kMeasureEvery;
  leg.listen_until = at + kMeasure;
  return true;
}

bool RoomPipeline::Impl::dispensable(Leg& leg, TimePoint at) {
  if (std::exchange(leg.needed, false) || at < leg.listen_until || wants_measure(leg, at)) return false;
  return leg.passing || selector_.told(leg.media.id, at);
}

bool RoomPipeline::Impl::pass(Leg& leg, TimePoint at) {
  const auto pulled = leg.receiver->pass(at);
  if (!pulled) return false;
  if (!std::exchange(leg.passing, true)) leg.next_glance = at + kGlanceEvery;
  leg.pulled = *pulled;
  ++leg.ticks_passed;
  ++stats_.passes;
  heard(leg);
  glance(leg, at);
  return true;
}

// A talker that nobody decodes must still be one: its packets may lie, and those of a steady sound tell
// nothing.
void RoomPipeline::Impl::glance(Leg& leg, TimePoint at) {
  const bool told = selector_.told(leg.media.id, at) || leg.silent_glances > 0;
  if (at < leg.next_glance - (told ? Duration::zero() : kGlanceEvery - kGlanceUntold)) return;
  if (leg.pulled.packet == nullptr || leg.pulled.kind == media::PulledKind::silence) return;
  if (!eye_) eye_ = media::make_opus_decoder(media::Receiver::kEyeRate);
  const auto dbfs = leg.receiver->glance(*eye_);
  if (!dbfs) return;
  ++stats_.looks;
  const bool silent = *dbfs < kHeardSilence;
  leg.silent_glances = silent ? leg.silent_glances + 1 : 0;
  leg.next_glance = at + (silent ? kGlanceAgain : kGlanceEvery);
  selector_.on_decoded(leg.media.id, at, *dbfs, leg.receiver->stats().delay);
  if (leg.silent_glances < kSilentGlances) return;
  leg.silent_glances = 0;
  leg.listen_until = at + kDoubt;
}

// The next tick of this talker is decoded: what was passed comes first.
void RoomPipeline::Impl::resume(Leg& leg) {
  if (!std::exchange(leg.passing, false)) return;
  const auto sound = std::span(recalled_).first((MixOutput::kHistory - 1) * samples_);
  rehearse(leg, sound.last(leg.receiver->recall(sound)));
}

// The same when this tick was passed already.
void RoomPipeline::Impl::wake(Leg& leg) {
  if (!std::exchange(leg.passing, false)) return;
  const auto sound = std::span(recalled_).last(leg.receiver->recall(recalled_));
  rehearse(leg, sound.first(sound.size() - samples_));
  leg.slot->organ->push(sound.last(samples_), media_time_);
  ++leg.ticks_decoded;
  ++stats_.decodes;
}

// Whoever this class hears in this tick must have a sound.
void RoomPipeline::Impl::wake_heard(Class& served) {
  for (Leg* leg : served.hears) {
    leg->needed = true;
    wake(*leg);
  }
}

// A class that is served verbatim needs a mix only if its talker is decoded anyway.
void RoomPipeline::Impl::rest(Class& served) {
  served.slot->mix->set_push(false);
  served.rests_on = served.sole->passing ? served.sole : nullptr;
  served.slot->mix->set_rest(served.sole->passing);
}

void RoomPipeline::Impl::rehearse(const Leg& leg, std::span<const float> sound) {
  for (auto& [id, served] : classes_) {
    if (served.rests_on != &leg) continue;
    served.rests_on = nullptr;
    served.slot->mix->set_rest(false);
    graph_.mixer().rehearse(*served.slot->mix, sound);
  }
}

}  // namespace parley::pipelines
