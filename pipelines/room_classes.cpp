// The mix classes of a tick: their encoders, what they hear, and which way they are served.
#include <algorithm>
#include <cmath>
#include <utility>

#include "pipelines/room_impl.hpp"

namespace parley::pipelines {

namespace {

constexpr std::size_t kMaxContributors = 15;  // the CC field of RTP, RFC 3550 section 5.1
constexpr std::uint8_t kAudible = 60;         // -dBov
constexpr std::size_t kDtxBytes = 2;
constexpr float kLoud = 0.7F;          // of the loudest tick of the last 100 ms
constexpr std::size_t kWarmTicks = 5;  // until an encoder is no worse than any other

// May this class's listeners get the packet as it is?
bool fits(const MediaPacket& packet, const media::Profile& profile, Duration tick) {
  if (profile.capped && packet.size * 8 > to_seconds(tick) * profile.bitrate) return false;
  return packet.size > kDtxBytes || profile.dtx;
}

// RMS of the loudest of these ticks.
float loudest(const MixOutput& mix, std::size_t from_ago, std::size_t to_ago) {
  float most = 0;
  for (std::size_t ago = from_ago; ago < to_ago; ++ago) {
    const auto tick = mix.history(ago);
    float sum = 0;
    for (const float sample : tick) sum += sample * sample;
    most = std::max(most, std::sqrt(sum / static_cast<float>(tick.size())));
  }
  return most;
}

}  // namespace

void RoomPipeline::Impl::follow_plan(std::span<const media::PlanChange> changes, TimePoint at) {
  for (const auto& change : changes) {
    if (change.kind == media::PlanChange::Kind::created) {
      create_class(change);
    } else {
      dissolve_class(change, at);
    }
  }
}

void RoomPipeline::Impl::create_class(const media::PlanChange& change) {
  const media::MixClass* planned = plan_.find(change.id);
  if (planned == nullptr) return;  // created and dissolved in one step
  ClassSlot* slot = graph_.take_class(planned->profile.codec);
  if (slot == nullptr) return;
  Class& made = classes_[change.id];
  made.id = change.id;
  made.slot = slot;
  const auto origin = classes_.find(change.other);
  if (origin == classes_.end()) {
    if (slot->encoder != nullptr)
      slot->encoder->start(planned->profile, ladder_.complexity(config_.complexity));
    return;
  }
  const ClassSlot& from = *origin->second.slot;
  made.heard = origin->second.heard;
  made.gate = origin->second.gate;
  made.changed_tick = origin->second.changed_tick;
  made.verbatim_celt = origin->second.verbatim_celt;
  made.rests_on = origin->second.rests_on;
  slot->mix->follow(*from.mix);
  slot->outlet->follow(*from.outlet);
  if (slot->encoder != nullptr) {
    if (planned->profile == from.encoder->profile()) {
      ++stats_.encoder_clones;
      return slot->encoder->clone(*from.encoder);
    }
    // Another profile, in silence: the decoders are where the last encoder left them.
    if (made.rests_on != nullptr) wake(*made.rests_on);
    made.verbatim_celt = from.encoder->celt();
    if (planned->profile.fec) made.gate = {};
    slot->encoder->start(planned->profile, ladder_.complexity(config_.complexity));
    return leave_verbatim(made);
  }
  // Two ticks are more than the resampler remembers.
  slot->outlet->set_discard(true);
  graph_.mixer().replay(*slot->mix, 2, media_time_);
  slot->outlet->set_discard(false);
}

void RoomPipeline::Impl::dissolve_class(const media::PlanChange& change, TimePoint at) {
  const auto found = classes_.find(change.id);
  if (found == classes_.end()) return;
  if (const auto into = classes_.find(change.other); into != classes_.end()) {
    const ClassSlot& from = *found->second.slot;
    into->second.slot->outlet->welcome(*from.outlet);
    if (from.encoder != nullptr && into->second.slot->encoder != nullptr)
      into->second.slot->encoder->welcome(*from.encoder);
  }
  graph_.give_back(found->second.slot, at);
  if (found->second.probe) probes_.push_back(std::move(found->second.probe));
  classes_.erase(found);
  if (change.other != media::ClassId::none) ++stats_.class_joins;
}

// What a class hears moves in a straight line from what it heard; a talker who starts brings its own fade, so
// that it comes in at its gain at once.
void RoomPipeline::Impl::set_terms(const media::MixClass& planned, Class& served) {
  auto& terms = served.slot->mix->terms();
  terms.clear();
  served.hears.clear();
  served.moving = false;
  const auto gain_in = [](const media::MixKey& key, LegId talker) {
    // Keys are ordered by talker, and long when everybody talks at once.
    const auto share = std::lower_bound(key.begin(), key.end(), talker,
                                        [](const media::Share& s, LegId id) { return s.talker < id; });
    return share == key.end() || share->talker != talker ? 0.0F : share->gain;
  };
  const auto add = [&](LegId talker, float from, float to) {
    const auto leg = legs_.find(talker);
    if (leg == legs_.end() || leg->second->slot == nullptr) return;
    if (leg->second->started_tick == tick_count_) from = to;
    if (from != to) served.moving = true;
    terms.push_back({leg->second->slot->input, from, to});
    served.hears.push_back(leg->second.get());
  };
  for (const auto& share : planned.key) add(share.talker, gain_in(served.heard, share.talker), share.gain);
  for (const auto& share : served.heard) {
    if (gain_in(planned.key, share.talker) == 0.0F) add(share.talker, share.gain, 0.0F);
  }
  if (served.moving) served.changed_tick = tick_count_;
  served.heard = planned.key;
  served.slot->outlet->legs() = planned.listeners;
  served.slot->mix->set_shared(planned.listeners.size() > 1);
}

void RoomPipeline::Impl::set_contributors(const media::MixClass& planned, Class& served) {
  auto& contributors = served.slot->outlet->contributors();
  contributors.clear();
  for (const auto& share : planned.key) {
    const Leg& leg = *legs_.at(share.talker);
    if (leg.slot == nullptr) continue;
    const float sent =
        leg.passing ? -static_cast<float>(selector_.level(share.talker)) : to_dbfs(leg.slot->input->rms());
    const std::uint8_t level = to_level(sent + to_dbfs(share.gain * leg.gain * leg.auto_gain));
    if (level <= kAudible) contributors.push_back({share.talker, level});
  }
  std::sort(contributors.begin(), contributors.end(),
            [](const Contributor& a, const Contributor& b) { return a.level < b.level; });
  if (contributors.size() > kMaxContributors) contributors.resize(kMaxContributors);
}

// One of the three ways of design rule 5.
void RoomPipeline::Impl::choose_way(const media::MixClass& planned, Class& served) {
  served.sole = nullptr;
  // A listener who loses packets gets such as are made for it. And it could not be left in time: the voice
  // mode has no packet that leans on nothing.
  const bool coded = planned.profile.codec != Codec::opus || planned.profile.fec;
  if (coded || !config_.forward) return wake_heard(served);
  const auto& terms = served.slot->mix->terms();
  if (planned.key.size() == 1 && terms.size() == 1 && !served.moving && planned.key.front().gain == 1.0F) {
    Leg& leg = *legs_.at(planned.key.front().talker);
    const bool untouched = leg.slot != nullptr && leg.slot->input->untouched() && !leg.ending;
    if (untouched && leg.media.codec == Codec::opus) served.sole = &leg;
  }
  media::ForwardGate::Tick tick;
  if (served.sole != nullptr) {
    const Leg& leg = *served.sole;
    tick.sole = leg.media.id;
    tick.settled = settled(leg.changed_tick) && settled(served.changed_tick);
    tick.packet = leg.pulled.packet != nullptr && fits(*leg.pulled.packet, planned.profile, config_.tick);
    tick.loud = tick.packet && leg.pulled.packet->size > kDtxBytes;
    tick.proven = tick.settled && tick.loud && served.gate.considers(tick.sole) && prove(served, leg);
    tick.hole = leg.pulled.hole;
    tick.paused = leg.pulled.kind == media::PulledKind::silence;
  }
  served.serve = served.gate.step(tick, config_.tick);
  plan_.set_verbatim(served.id, served.gate.forwarding() ? tick.sole : LegId::none);
  if (served.gate.forwarding()) return rest(served);
  wake_heard(served);
  if (served.serve == media::ForwardGate::Serve::leave) leave_verbatim(served);
  served.slot->outlet->add_holes(served.gate.take_holes());
  served.slot->mix->set_push(true);
}

// The decoders follow the talker's encoder; ours takes over. It is run over what they heard last, and CELT
// then codes a packet that leans on nothing the decoders do not have. The voice mode has no such packet; but
// a decoder that comes from CELT starts its voice half anew, so that a fresh encoder fits it exactly.
void RoomPipeline::Impl::leave_verbatim(Class& served) {
  media::ClassEncoder& encoder = *served.slot->encoder;
  if (!encoder.celt() && served.verbatim_celt)
    return encoder.start(media::Profile(encoder.profile()), ladder_.complexity(config_.complexity));
  for (std::size_t ago = kWarmTicks; ago-- > 0;) encoder.warm(served.slot->mix->history(ago));
  if (encoder.celt()) encoder.take_over();
}

bool RoomPipeline::Impl::prove(Class& served, const Leg& talker) {
  if (!served.probe || !served.probe->ready()) return false;
  return served.probe->inaudible(talker.pulled.packet->data(), served.slot->mix->history(0),
                                 talker.slot->input->samples(),
                                 loudest(*served.slot->mix, 0, media::SwitchProbe::kLookBack));
}

// A class that will soon be served verbatim gets a follower of its stream.
void RoomPipeline::Impl::follow_stream(Class& served) {
  if (!served.gate.expects((media::SwitchProbe::kFollow + 1) * config_.tick)) {
    if (served.probe) probes_.push_back(std::move(served.probe));
    return;
  }
  if (!served.probe) {
    if (probes_.empty()) probes_.push_back(std::make_unique<media::SwitchProbe>(config_.tick));
    served.probe = std::move(probes_.back());
    probes_.pop_back();
    served.probe->start();
  }
  served.probe->follow(served.slot->encoder->last());
}

void RoomPipeline::Impl::send_verbatim(Class& served) {
  OutletPad& pad = *served.slot->outlet;
  if (served.serve == media::ForwardGate::Serve::forward) {
    const Bytes packet = served.sole->pulled.packet->data();
    if (packet.size() > kDtxBytes) {
      pad.add_holes(served.gate.take_holes());
      served.verbatim_celt = (packet.front() & 0x80) != 0;  // RFC 6716 section 3.1: configurations 16 to 31
    }
    graph_.outlet().forward(pad, packet);
  } else if (served.serve == media::ForwardGate::Serve::pause) {
    graph_.outlet().pause(pad);
  }
}

// Two encoders of the voice mode never say quite the same. What differs is lost in loud speech; in a pause it
// would be all there is.
void RoomPipeline::Impl::watch_moment(const media::MixClass& planned, const Class& served) {
  const auto* encoder = served.slot->encoder;
  if (planned.twin == media::ClassId::none || encoder == nullptr || encoder->celt()) return;
  const MixOutput& mix = *served.slot->mix;
  plan_.set_ready(served.id, served.gate.forwarding() ||
                                 loudest(mix, 0, 1) >= kLoud * loudest(mix, 1, MixOutput::kHistory));
}

void RoomPipeline::Impl::count(const media::MixClass& planned, Class& served) {
  using Serve = media::ForwardGate::Serve;
  const ClassSlot& slot = *served.slot;
  const bool verbatim = served.serve == Serve::forward || served.serve == Serve::hole;
  const bool audible = served.serve == Serve::hole || (slot.outlet->sent_sound() && !slot.mix->quiet());
  served.gate.sent(audible, config_.tick);
  auto& way = !audible ? stats_.silent : verbatim ? stats_.forwards : stats_.mixed;
  way += planned.listeners.size();
  if (slot.mix->shed()) {
    // The receiver is to conceal it, not to take it for a pause.
    slot.outlet->add_holes(1);
    stats_.shed += planned.listeners.size();
  }
  watch_moment(planned, served);
  if (slot.encoder != nullptr && config_.forward) follow_stream(served);
  stats_.encodes += slot.encoder != nullptr ? slot.encoder->take_runs() : 1;
}

}  // namespace parley::pipelines
