#include "pipelines/room_impl.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "transport/base/check.hpp"

namespace parley::pipelines {

namespace {

// Building a slot costs 0.1 to 0.9 ms, taking a free one next to nothing: only the former is rationed.
constexpr int kBuildsPerTick = 4;
// A start costs up to ten decodes. In a tick that has little time left only so many get it.
constexpr int kStartsAnyway = 2;
constexpr int kCodingEnds = 70;      // percent of the tick: what is not coded by then is left out
constexpr float kSpeaks = -50.0F;    // dBFS: below it nobody's loudness is measured
constexpr float kAdviceStep = 1.0F;  // dB: what is worth a message to the client
constexpr Duration kAlarmAfter = 1s;
constexpr Duration kAlarmEvery = 10s;
constexpr auto kSettle = media::ForwardGate::kAlone;

float linear(float db) {
  return db == 0.0F ? 1.0F : std::pow(10.0F, db / 20.0F);
}

float clamp_gain(float db) {
  return std::isfinite(db) ? std::clamp(db, -40.0F, 12.0F) : 0.0F;
}

}  // namespace

float to_dbfs(float rms) {
  return 20.0F * std::log10(std::max(rms, 1e-6F));
}

std::uint8_t to_level(float dbfs) {
  return static_cast<std::uint8_t>(std::clamp(std::lround(-dbfs), 0L, 127L));
}

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
      budget_(config.tick),
      samples_(static_cast<std::size_t>(config.tick * 48 / 1ms)),
      settle_ticks_(static_cast<std::uint64_t>(kSettle / config.tick)),
      tick_count_(settle_ticks_) {
  recalled_.resize(MixOutput::kHistory * samples_);
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
  if (sends && !leg->media.sends) {
    selector_.add(id, leg->media.codec, leg->media.has_levels);
    senders_.push_back(leg);
  }
  if (!sends && leg->media.sends) {
    selector_.remove(id);
    std::erase(senders_, leg);
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
  Leg* leg = find(id);
  if (leg == nullptr) return;
  selector_.set_muted(id, muted);
  leg->changed_tick = tick_count_;
}

void RoomPipeline::Impl::set_gain(LegId id, float gain_db) {
  Leg* leg = find(id);
  if (leg == nullptr) return;
  leg->gain = linear(clamp_gain(gain_db));
  leg->changed_tick = tick_count_;
}

void RoomPipeline::Impl::set_personal_gain(LegId listener, LegId talker, std::optional<float> gain_db) {
  if (find(listener) == nullptr || find(talker) == nullptr) return;
  std::optional<float> gain;
  if (gain_db) gain = *gain_db == kMute ? 0.0F : linear(clamp_gain(*gain_db));
  plan_.set_gain(listener, talker, gain);
}

void RoomPipeline::Impl::set_audience(LegId talker, std::vector<LegId> listeners, float duck_db) {
  Leg* leg = find(talker);
  if (leg == nullptr) return;
  leg->changed_tick = tick_count_;
  const float duck = std::isfinite(duck_db) ? std::clamp(duck_db, -40.0F, 0.0F) : 0.0F;
  plan_.set_audience(talker, std::move(listeners), linear(duck));
}

void RoomPipeline::Impl::set_group(LegId id, std::uint32_t group) {
  Leg* leg = find(id);
  if (leg == nullptr) return;
  plan_.set_group(id, group);
  leg->changed_tick = tick_count_;
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
  begun_ = config_.work_clock();
  media_time_ += skipped * samples_;
  last_tick_ = at;
  ++tick_count_;
  builds_left_ = kBuildsPerTick;
  starts_ = 0;
  talkers_.clear();

  for (Leg* leg : ending_) {
    leg->slot->input->set_gain(0.0F);
    resume(*leg);
    pull(*leg, at);
  }
  const auto choices = selector_.choose(at);
  PARLEY_ASSERT(choices.size() == senders_.size());
  for (std::size_t i = 0; i < choices.size(); ++i) serve(*senders_[i], choices[i].listening, at);

  follow_plan(plan_.step(at, talkers_), at);
  graph_.outlet().begin(media_time_);
  for (const auto& planned : plan_.classes()) {
    const auto served = classes_.find(planned.id);
    if (served == classes_.end()) continue;
    if (plan_.changed() || served->second.moving) set_terms(planned, served->second);
    set_contributors(planned, served->second);
    choose_way(planned, served->second);
  }
  graph_.mixer().tick(media_time_, config_.work_clock, begun_ + kCodingEnds * config_.tick / 100);
  for (const auto& planned : plan_.classes()) {
    const auto served = classes_.find(planned.id);
    if (served == classes_.end()) continue;
    send_verbatim(served->second);
    count(planned, served->second);
  }
  end_talkers(at);
  graph_.trim(at);
  media_time_ += samples_;
  tell();

  const Duration others = std::max(Duration::zero(), thread_work_ - work_);
  work_ = config_.work_clock() - begun_;
  stats_.mix_work.add(work_);
  budget_.step(work_, others, talkers_.size());
  climb(at);
}

void RoomPipeline::Impl::serve(Leg& leg, media::Listening listening, TimePoint at) {
  if (leg.ending) return;
  const bool heard = listening == media::Listening::talker;
  if (heard && leg.slot == nullptr) start_talker(leg);
  if (leg.slot != nullptr) {
    if (!heard) {
      leg.ending = true;
      ending_.push_back(&leg);
    }
    leg.slot->input->set_gain(heard ? leg.gain * leg.auto_gain : 0.0F);
    if (heard && dispensable(leg, at) && pass(leg, at)) return;
    resume(leg);
    pull(leg, at);
  } else {
    ++leg.ticks_skipped;
    if (leg.receiver->active()) leg.receiver->skip(at);
    if (listening == media::Listening::look) look(leg, at);
  }
}

// A talker needs a slot of its own and, if it listens, a class of its own in this very tick, or it would hear
// itself.
void RoomPipeline::Impl::start_talker(Leg& leg) {
  const int builds = (graph_.has_free_talker(leg.media.codec) ? 0 : 1) +
                     (!leg.media.receives || graph_.has_free_class(leg.media.codec) ? 0 : 1);
  // Next tick, perhaps: its packets wait in the receiver.
  const bool late = config_.work_clock() - begun_ > config_.tick / 4;
  if (builds > builds_left_ || (late && starts_ >= kStartsAnyway)) return;
  ++starts_;
  builds_left_ -= builds;
  leg.slot = graph_.take_talker(leg.media.codec);
  if (leg.slot == nullptr) return;
  leg.slot->organ->set_receiver(leg.receiver.get());
  leg.slot->input->start(leg.gain * leg.auto_gain);
  leg.started_tick = tick_count_;
  leg.needed = true;
}

void RoomPipeline::Impl::pull(Leg& leg, TimePoint at) {
  leg.pulled = leg.slot->organ->pull(at, media_time_);
  ++leg.ticks_decoded;
  ++stats_.decodes;
  heard(leg);
  if (!leg.media.sends) return;
  selector_.on_decoded(leg.media.id, at, to_dbfs(leg.slot->input->rms()), leg.receiver->stats().delay);
  if (config_.auto_level != AutoLevel::off && leg.media.levelled) level(leg);
}

// What a tick of a talker adds to the books, decoded or passed on.
void RoomPipeline::Impl::heard(Leg& leg) {
  talkers_.push_back(leg.media.id);
  if (leg.pulled.kind != media::PulledKind::silence) {
    const media::ReceiverStats receiver = leg.receiver->stats();
    const Duration jitter =
        std::clamp(receiver.target, Duration::zero(), std::max(receiver.delay, Duration::zero()));
    leg.jitter_wait.add(jitter);
    stats_.jitter_wait.add(jitter);
    leg.tick_wait.add(receiver.delay - jitter);
    stats_.tick_wait.add(receiver.delay - jitter);
    watch_delay(leg, receiver.delay);
  }
  if (leg.pulled.kind == media::PulledKind::concealed) ++stats_.concealed;
  if (leg.pulled.kind == media::PulledKind::fec) ++stats_.fec;
}

void RoomPipeline::Impl::watch_delay(Leg& leg, Duration delay) {
  if (delay <= config_.alarm_delay) {
    leg.over_alarm = Duration::zero();
    return;
  }
  ++stats_.alarms;
  leg.over_alarm += config_.tick;
  const bool told = leg.alarmed != TimePoint{} && last_tick_ - leg.alarmed < kAlarmEvery;
  if (leg.over_alarm < kAlarmAfter || told) return;
  leg.alarmed = last_tick_;
  observer_.on_delay_alarm(leg.media.id, delay);
}

void RoomPipeline::Impl::level(Leg& leg) {
  const bool speaks = to_dbfs(leg.slot->input->rms()) > kSpeaks;
  if (!leg.levelling) {
    if (!speaks) return;
    leg.levelling = std::make_unique<Levelling>();
  }
  Levelling& levelling = *leg.levelling;
  const bool by_client = config_.auto_level == AutoLevel::client && leg.media.applies_gain;
  if (speaks) levelling.meter.add(leg.slot->input->samples(), by_client ? levelling.told_db : 0.0F);
  const float gain_db = levelling.gain.step(levelling.meter, to_seconds(config_.tick), speaks);
  if (!by_client) {
    leg.auto_gain = linear(gain_db);
  } else if (std::abs(gain_db - levelling.told_db) >= kAdviceStep ||
             (gain_db == 0 && levelling.told_db != 0)) {
    levelling.told_db = gain_db;
    observer_.on_gain_advice(leg.media.id, gain_db);
  }
}

void RoomPipeline::Impl::look(Leg& leg, TimePoint at) {
  if (!eye_) eye_ = media::make_opus_decoder(media::Receiver::kEyeRate);
  const auto dbfs = leg.receiver->glance(*eye_);
  if (!dbfs) return;
  ++stats_.looks;
  selector_.on_decoded(leg.media.id, at, *dbfs, leg.receiver->stats().delay);
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

// A room that takes less than half of its share of the thread is not what is too much for it.
void RoomPipeline::Impl::climb(TimePoint at) {
  const bool takes_its_share = 2 * static_cast<Duration::rep>(thread_rooms_) * work_ >= thread_work_;
  const int before = ladder_.rung();
  const int allowed = ladder_.max_talkers(config_.max_talkers);
  // Talkers wait for a place because time is short. While they are still being let in one after the other it
  // can be seen already that there will not be enough, and coding made cheaper.
  const bool waiting = selector_.waiting() > 0 && (allowed == 0 || budget_.places() < allowed);
  const bool full = talkers_.size() + kBuildsPerTick >= static_cast<std::size_t>(budget_.places());
  const bool refused = waiting && (full || before < media::OverloadLadder::kCheapest);
  const bool moved =
      ladder_.step(at, takes_its_share ? std::max(work_, thread_work_) : work_, refused) != before;
  const int places = ladder_.max_talkers(config_.max_talkers);
  selector_.set_max_talkers(places == 0 ? budget_.places() : std::min(places, budget_.places()));
  if (!moved) return;
  for (auto& [id, served] : classes_) {
    if (served.slot->encoder != nullptr) {
      served.slot->encoder->set_complexity(ladder_.complexity(config_.complexity));
    }
  }
  for (const auto& [id, leg] : legs_) plan_.set_profile(id, wanted_profile(*leg));
}

bool RoomPipeline::Impl::settled(std::uint64_t changed_tick) const {
  return tick_count_ - changed_tick >= settle_ticks_;
}

bool RoomPipeline::Impl::idle() const {
  return std::none_of(legs_.begin(), legs_.end(), [](const auto& entry) {
    return entry.second->gone || entry.second->media.sends || entry.second->media.receives;
  });
}

RoomStats RoomPipeline::Impl::stats() const {
  RoomStats stats = stats_;
  stats.ticks = tick_count_ - settle_ticks_;
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
  stats.ticks_passed = leg->ticks_passed;
  stats.ticks_skipped = leg->ticks_skipped;
  stats.jitter_wait = leg->jitter_wait;
  stats.tick_wait = leg->tick_wait;
  if (leg->levelling) {
    stats.auto_gain_db = leg->levelling->gain.gain_db();
    stats.loudness_lufs = leg->levelling->meter.short_term_lufs();
  }
  return stats;
}

}  // namespace parley::pipelines
