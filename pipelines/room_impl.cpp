#include "pipelines/room_impl.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "transport/base/check.hpp"

namespace parley::pipelines {

namespace {

// Building a slot costs 0.1 to 0.9 ms, taking a free one next to nothing: only the former is rationed.
constexpr int kBuildsPerTick = 4;
constexpr std::size_t kMaxContributors = 15;  // the CC field of RTP, RFC 3550 section 5.1
constexpr std::uint8_t kAudible = 60;         // -dBov

float linear(float db) {
  return db == 0.0F ? 1.0F : std::pow(10.0F, db / 20.0F);
}

float to_dbfs(float rms) {
  return 20.0F * std::log10(std::max(rms, 1e-6F));
}

std::uint8_t to_level(float dbfs) {
  return static_cast<std::uint8_t>(std::clamp(std::lround(-dbfs), 0L, 127L));
}

float clamp_gain(float db) {
  return std::isfinite(db) ? std::clamp(db, -40.0F, 12.0F) : 0.0F;
}

}  // namespace

RoomPipeline::Impl::Impl(const RoomMediaConfig& config, FrameSink& sink, RoomObserver& observer)
    : config_(config),
      observer_(observer),
      graph_(config.name, config.tick, sink),
      selector_([&] {
        media::TalkerConfig talkers;
        talkers.max_talkers = config.max_talkers;
        return talkers;
      }()),
      ladder_(config.tick),
      samples_(static_cast<std::size_t>(config.tick * 48 / 1ms)) {
  scratch_.resize(samples_);
}

RoomPipeline::Impl::Leg* RoomPipeline::Impl::find(LegId id) {
  const auto found = legs_.find(id);
  return found == legs_.end() || found->second->gone ? nullptr : found->second.get();
}

const RoomPipeline::Impl::Leg* RoomPipeline::Impl::find(LegId id) const {
  return const_cast<Impl*>(this)->find(id);
}

media::Profile RoomPipeline::Impl::wanted_profile(const Leg& leg) const {
  const auto tier = ladder_.single_tier() ? media::Tier::clean : leg.tiers.tier();
  return media::profile_for({leg.media.codec, leg.media.use_fec, leg.media.use_dtx, leg.media.max_bitrate},
                            tier);
}

void RoomPipeline::Impl::add_leg(const LegMedia& media) {
  if (media.id == LegId::none || legs_.contains(media.id)) return;
  auto leg = std::make_unique<Leg>();
  leg->media = media;
  leg->media.sends = leg->media.receives = false;
  media::ReceiverConfig receiver;
  receiver.codec = media.codec;
  receiver.tick = config_.tick;
  receiver.min_delay = config_.jitter_min;
  receiver.max_delay = config_.jitter_max;
  receiver.comfort_noise = config_.comfort_noise;
  leg->receiver = std::make_unique<media::Receiver>(receiver);
  legs_.emplace(media.id, std::move(leg));
  set_direction(media.id, media.sends, media.receives);
}

// A leg that is being heard fades out in one more tick: see end_talkers().
void RoomPipeline::Impl::remove_leg(LegId id) {
  Leg* leg = find(id);
  if (leg == nullptr) return;
  set_direction(id, false, false);
  leg->gone = true;
  gone_.push_back(leg);
}

void RoomPipeline::Impl::set_direction(LegId id, bool sends, bool receives) {
  Leg* leg = find(id);
  if (leg == nullptr) return;
  if (sends && !leg->media.sends) selector_.add(id, leg->media.codec, leg->media.has_levels);
  if (!sends && leg->media.sends) {
    selector_.remove(id);
    // Whoever is heard right now is in no choice of the selector any more.
    if (leg->slot != nullptr && !std::exchange(leg->ending, true)) ending_.push_back(leg);
    if (std::exchange(leg->talking, false)) observer_.on_talking(id, false, 127);
  }
  if (receives && !leg->media.receives) plan_.add_listener(id, wanted_profile(*leg));
  if (!receives && leg->media.receives) plan_.remove_listener(id);
  leg->media.sends = sends;
  leg->media.receives = receives;
}

void RoomPipeline::Impl::set_muted(LegId id, bool muted) {
  if (find(id) != nullptr) selector_.set_muted(id, muted);
}

void RoomPipeline::Impl::set_gain(LegId id, float gain_db) {
  if (Leg* leg = find(id)) leg->gain = linear(clamp_gain(gain_db));
}

void RoomPipeline::Impl::set_personal_gain(LegId listener, LegId talker, std::optional<float> gain_db) {
  if (find(listener) == nullptr || find(talker) == nullptr) return;
  std::optional<float> gain;
  if (gain_db) gain = *gain_db == kMute ? 0.0F : linear(clamp_gain(*gain_db));
  plan_.set_gain(listener, talker, gain);
}

void RoomPipeline::Impl::set_audience(LegId talker, std::vector<LegId> listeners, float duck_db) {
  if (find(talker) == nullptr) return;
  const float duck = std::isfinite(duck_db) ? std::clamp(duck_db, -40.0F, 0.0F) : 0.0F;
  plan_.set_audience(talker, std::move(listeners), linear(duck));
}

void RoomPipeline::Impl::set_group(LegId id, std::uint32_t group) {
  if (find(id) != nullptr) plan_.set_group(id, group);
}

void RoomPipeline::Impl::set_downlink_loss(LegId id, double fraction) {
  Leg* leg = find(id);
  if (leg == nullptr || !std::isfinite(fraction)) return;
  leg->tiers.step(last_tick_, std::clamp(fraction, 0.0, 1.0));
  plan_.set_profile(id, wanted_profile(*leg));
}

void RoomPipeline::Impl::push(LegId id, const MediaPacket& packet) {
  Leg* leg = find(id);
  if (leg == nullptr || !leg->media.sends) return;
  leg->receiver->insert(packet);
  selector_.on_packet(id, packet);
}

void RoomPipeline::Impl::tick(TimePoint at, unsigned skipped) {
  const TimePoint begun = now();
  media_time_ += skipped * samples_;
  last_tick_ = at;
  ++tick_count_;
  builds_left_ = kBuildsPerTick;
  talkers_.clear();

  for (Leg* leg : ending_) {
    leg->slot->input->set_gain(0.0F);
    pull(*leg, at);
  }
  for (const auto& choice : selector_.choose(at)) {
    if (Leg* leg = find(choice.leg)) serve(*leg, choice.listening, at);
  }
  follow_plan(plan_.step(at, talkers_), at);
  for (const auto& planned : plan_.classes()) {
    const auto served = classes_.find(planned.id);
    if (served == classes_.end()) continue;
    if (plan_.changed() || served->second.moving) set_terms(planned, served->second);
    set_contributors(planned, served->second);
  }
  graph_.outlet().begin(media_time_);
  graph_.mixer().tick(media_time_);
  for (const auto& planned : plan_.classes()) {
    const auto served = classes_.find(planned.id);
    if (served != classes_.end()) count(planned, served->second);
  }
  end_talkers(at);
  graph_.trim(at);
  media_time_ += samples_;
  tell();

  const Duration work = now() - begun;
  stats_.mix_work.add(work);
  ladder_.step(at, work);
}

void RoomPipeline::Impl::serve(Leg& leg, media::Listening listening, TimePoint at) {
  if (leg.ending) return;
  if (listening == media::Listening::talker && leg.slot == nullptr) start_talker(leg);
  if (leg.slot != nullptr) {
    const bool heard = listening == media::Listening::talker;
    if (!heard) {
      leg.ending = true;
      ending_.push_back(&leg);
    }
    leg.slot->input->set_gain(heard ? leg.gain : 0.0F);
    pull(leg, at);
  } else if (listening == media::Listening::look) {
    look(leg, at);
  } else {
    ++leg.ticks_skipped;
    if (leg.receiver->active()) leg.receiver->skip(at);
  }
}

void RoomPipeline::Impl::start_talker(Leg& leg) {
  const bool free = graph_.has_free_talker(leg.media.codec);
  if (!free && builds_left_ == 0) return;  // next tick: its packets wait in the receiver
  leg.slot = graph_.take_talker(leg.media.codec);
  if (!free) --builds_left_;
  if (leg.slot == nullptr) return;
  leg.slot->organ->set_receiver(leg.receiver.get());
  leg.slot->input->start(leg.gain);
  leg.started_tick = tick_count_;
}

void RoomPipeline::Impl::pull(Leg& leg, TimePoint at) {
  talkers_.push_back(leg.media.id);
  const media::Pulled pulled = leg.slot->organ->pull(at, media_time_);
  ++leg.ticks_decoded;
  ++stats_.decodes;
  if (pulled.packet != nullptr) leg.jitter_wait.add(at - pulled.packet->arrival);
  if (!leg.gone && leg.media.sends) {
    selector_.on_decoded(leg.media.id, at, to_dbfs(leg.slot->input->rms()));
  }
}

void RoomPipeline::Impl::look(Leg& leg, TimePoint at) {
  const std::span<float> samples = std::span(scratch_).first(leg.receiver->samples_per_tick());
  leg.receiver->pull(at, samples);
  ++leg.ticks_decoded;
  ++stats_.decodes;
  double sum = 0;
  for (const float sample : samples) sum += static_cast<double>(sample) * sample;
  const auto rms = static_cast<float>(std::sqrt(sum / static_cast<double>(samples.size())));
  selector_.on_decoded(leg.media.id, at, to_dbfs(rms));
}

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
  made.slot = slot;
  const auto origin = classes_.find(change.other);
  if (origin == classes_.end()) {
    if (slot->encoder != nullptr)
      slot->encoder->start(planned->profile, ladder_.complexity(config_.complexity));
    return;
  }
  ++stats_.encoder_clones;
  const ClassSlot& from = *origin->second.slot;
  made.heard = origin->second.heard;
  slot->mix->follow(*from.mix);
  if (slot->encoder != nullptr) {
    slot->encoder->clone(*from.encoder);
    return;
  }
  // Two ticks are more than the resampler remembers.
  slot->outlet->set_discard(true);
  graph_.mixer().replay(*slot->mix, 2, media_time_);
  slot->outlet->set_discard(false);
}

void RoomPipeline::Impl::dissolve_class(const media::PlanChange& change, TimePoint at) {
  const auto found = classes_.find(change.id);
  if (found == classes_.end()) return;
  graph_.give_back(found->second.slot, at);
  classes_.erase(found);
  if (change.other != media::ClassId::none) ++stats_.class_joins;
}

// What a class hears moves in a straight line from what it heard; a talker who starts brings its own fade, so
// that it comes in at its gain at once.
void RoomPipeline::Impl::set_terms(const media::MixClass& planned, Class& served) {
  auto& terms = served.slot->mix->terms();
  terms.clear();
  served.moving = false;
  const auto gain_in = [](const media::MixKey& key, LegId talker) {
    const auto share =
        std::find_if(key.begin(), key.end(), [&](const auto& s) { return s.talker == talker; });
    return share == key.end() ? 0.0F : share->gain;
  };
  const auto add = [&](LegId talker, float from, float to) {
    const auto leg = legs_.find(talker);
    if (leg == legs_.end() || leg->second->slot == nullptr) return;
    if (leg->second->started_tick == tick_count_) from = to;
    if (from != to) served.moving = true;
    terms.push_back({leg->second->slot->input, from, to});
  };
  for (const auto& share : planned.key) add(share.talker, gain_in(served.heard, share.talker), share.gain);
  for (const auto& share : served.heard) {
    if (gain_in(planned.key, share.talker) == 0.0F) add(share.talker, share.gain, 0.0F);
  }
  served.heard = planned.key;
  served.slot->outlet->legs() = planned.listeners;
}

void RoomPipeline::Impl::set_contributors(const media::MixClass& planned, Class& served) {
  auto& contributors = served.slot->outlet->contributors();
  contributors.clear();
  for (const auto& share : planned.key) {
    const Leg& leg = *legs_.at(share.talker);
    if (leg.slot == nullptr) continue;
    const std::uint8_t level = to_level(to_dbfs(leg.slot->input->rms() * share.gain * leg.gain));
    if (level <= kAudible) contributors.push_back({share.talker, level});
  }
  std::sort(contributors.begin(), contributors.end(),
            [](const Contributor& a, const Contributor& b) { return a.level < b.level; });
  if (contributors.size() > kMaxContributors) contributors.resize(kMaxContributors);
}

void RoomPipeline::Impl::count(const media::MixClass& planned, Class& served) {
  const bool silent = served.slot->mix->quiet();
  (silent ? stats_.silent : stats_.mixed) += planned.listeners.size();
  if (!silent) ++stats_.encodes;
}

// Whoever has faded out gives the slot back; from the next tick on nobody's key names it.
void RoomPipeline::Impl::end_talkers(TimePoint at) {
  for (Leg* leg : ending_) {
    graph_.give_back(std::exchange(leg->slot, nullptr), at);
    leg->ending = false;
  }
  ending_.clear();
  for (Leg* leg : gone_) {
    const LegId id = leg->media.id;
    plan_.forget(id);
    legs_.erase(id);
  }
  gone_.clear();
}

void RoomPipeline::Impl::tell() {
  for (const auto& change : selector_.changes()) {
    Leg* leg = find(change.leg);
    if (leg == nullptr) continue;
    leg->talking = change.talking;
    observer_.on_talking(change.leg, change.talking, change.level);
  }
}

bool RoomPipeline::Impl::idle() const {
  return std::none_of(legs_.begin(), legs_.end(), [](const auto& entry) {
    return entry.second->gone || entry.second->media.sends || entry.second->media.receives;
  });
}

RoomStats RoomPipeline::Impl::stats() const {
  RoomStats stats = stats_;
  stats.ticks = tick_count_;
  stats.legs = legs_.size() - gone_.size();
  stats.talkers = talkers_.size();
  stats.classes = plan_.classes().size();
  stats.overload_step = ladder_.rung();
  stats.limiter_gain_db = to_dbfs(const_cast<RoomGraph&>(graph_).mixer().limiter_gain());
  return stats;
}

std::optional<LegStats> RoomPipeline::Impl::leg_stats(LegId id) const {
  const Leg* leg = find(id);
  if (leg == nullptr) return std::nullopt;
  LegStats stats;
  stats.receiver = leg->receiver->stats();
  stats.talking = leg->talking;
  stats.level = selector_.level(id);
  stats.ticks_decoded = leg->ticks_decoded;
  stats.ticks_skipped = leg->ticks_skipped;
  stats.jitter_wait = leg->jitter_wait;
  return stats;
}

}  // namespace parley::pipelines
