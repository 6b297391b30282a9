#include "pipelines/media/talker_selector.hpp"

#include <algorithm>
#include <unordered_map>

#include "pipelines/media/leg_evidence.hpp"

namespace parley::media {

namespace {

constexpr float kLouder = 6.0F;    // dB a newcomer must be louder than the talker it replaces
constexpr Duration kHold = 500ms;  // a talker's place is safe for so long
constexpr Duration kTalkingAfter = 60ms;
constexpr Duration kQuietAfter = 500ms;
constexpr Duration kFirstTick = 20ms;
constexpr Duration kLongestTick = 100ms;

struct Leg {
  LegEvidence evidence;
  bool muted = false;
  bool active = false;  // listed in active_: anything but skipped and quiet
  TimePoint talker_since{};
  Duration voice{};  // without a break
  TimePoint last_talked{};
  bool talking = false;
  bool reported = false;
  bool dirty = false;  // listed in dirty_
};

}  // namespace

// legs_ and choices_ run in parallel, in order of adding. All work per tick is on the legs listed in active_.
class TalkerSelector::Impl {
 public:
  explicit Impl(const TalkerConfig& config) : config_(config) {}

  void add(LegId leg, Codec codec, bool has_levels);
  void remove(LegId leg);
  void set_muted(LegId leg, bool muted);
  void set_max_talkers(int count) { config_.max_talkers = std::max(0, count); }
  void on_packet(LegId leg, const MediaPacket& packet);
  std::span<const Choice> choose(TimePoint at);
  void on_decoded(LegId leg, TimePoint at, float rms_dbfs, Duration delay);
  std::span<const TalkingChange> changes();
  std::size_t waiting() const { return waiting_; }
  bool told(LegId leg, TimePoint at) const;
  std::uint8_t level(LegId leg) const;
  std::vector<LegId> active_speakers() const;

 private:
  using Index = std::uint32_t;

  void activate(Index index);
  void update_talking(Index index, TimePoint at);
  void give_places(TimePoint at);
  void take_place(Index index, TimePoint at);
  void leave_place(Index index);
  bool is_talker(Index index) const { return choices_[index].listening == Listening::talker; }
  float loudness(Index index) const { return legs_[index].evidence.loudness(); }
  const Index* find(LegId leg) const;

  TalkerConfig config_;
  std::vector<Leg> legs_;
  std::vector<Choice> choices_;
  std::unordered_map<LegId, Index> index_;
  std::vector<Index> active_;
  std::vector<Index> dirty_;
  std::vector<Index> talkers_;    // scratch of choose()
  std::vector<Index> newcomers_;  // scratch of choose()
  std::vector<TalkingChange> changes_;
  std::size_t waiting_ = 0;
  TimePoint last_tick_{};
  Duration tick_ = kFirstTick;
  TimePoint now_{};
};

void TalkerSelector::Impl::add(LegId leg, Codec codec, bool has_levels) {
  if (index_.contains(leg)) return;
  index_.emplace(leg, static_cast<Index>(legs_.size()));
  legs_.push_back({LegEvidence(leg, codec, has_levels, config_)});
  choices_.push_back({leg, Listening::skip});
  for (auto* list : {&active_, &dirty_, &talkers_, &newcomers_}) list->reserve(legs_.capacity());
  changes_.reserve(legs_.capacity());
}

void TalkerSelector::Impl::remove(LegId leg) {
  const Index* found = find(leg);
  if (found == nullptr) return;
  const Index gone = *found;
  index_.erase(leg);
  legs_.erase(legs_.begin() + gone);
  choices_.erase(choices_.begin() + gone);
  for (auto& [id, index] : index_) index -= index > gone ? 1U : 0U;
  for (auto* list : {&active_, &dirty_}) {
    std::erase(*list, gone);
    for (Index& index : *list) index -= index > gone ? 1U : 0U;
  }
}

const TalkerSelector::Impl::Index* TalkerSelector::Impl::find(LegId leg) const {
  const auto found = index_.find(leg);
  return found == index_.end() ? nullptr : &found->second;
}

void TalkerSelector::Impl::activate(Index index) {
  if (legs_[index].active) return;
  legs_[index].active = true;
  active_.push_back(index);
}

void TalkerSelector::Impl::set_muted(LegId leg, bool muted) {
  const Index* index = find(leg);
  if (index != nullptr) legs_[*index].muted = muted;
}

void TalkerSelector::Impl::on_packet(LegId leg, const MediaPacket& packet) {
  const Index* index = find(leg);
  if (index == nullptr) return;
  LegEvidence& evidence = legs_[*index].evidence;
  evidence.on_packet(packet, is_talker(*index));
  if (evidence.voiced(packet.arrival) || evidence.look_due(packet.arrival)) activate(*index);
}

void TalkerSelector::Impl::on_decoded(LegId leg, TimePoint at, float rms_dbfs, Duration delay) {
  const Index* index = find(leg);
  if (index == nullptr) return;
  legs_[*index].evidence.on_decoded({at, tick_, delay, rms_dbfs, choices_[*index].listening});
}

std::span<const TalkerSelector::Choice> TalkerSelector::Impl::choose(TimePoint at) {
  tick_ = last_tick_ == TimePoint{} ? kFirstTick : std::clamp<Duration>(at - last_tick_, 1ms, kLongestTick);
  last_tick_ = at;
  now_ = at;

  talkers_.clear();
  newcomers_.clear();
  for (const Index index : active_) {
    const Leg& leg = legs_[index];
    const bool candidate = !leg.muted && leg.evidence.voiced(at);
    if (candidate) {
      (is_talker(index) ? talkers_ : newcomers_).push_back(index);
    } else {
      leave_place(index);
    }
  }
  give_places(at);

  std::erase_if(active_, [&](Index index) {
    Leg& leg = legs_[index];
    const bool look = !leg.muted && leg.evidence.look_due(at);
    if (!is_talker(index)) choices_[index].listening = look ? Listening::look : Listening::skip;
    update_talking(index, at);
    leg.active = is_talker(index) || look || leg.talking || leg.evidence.voiced(at);
    return !leg.active;
  });
  return choices_;
}

void TalkerSelector::Impl::take_place(Index index, TimePoint at) {
  choices_[index].listening = Listening::talker;
  legs_[index].talker_since = at;
}

void TalkerSelector::Impl::leave_place(Index index) {
  if (is_talker(index)) choices_[index].listening = Listening::skip;
  legs_[index].evidence.end_spurt();
}

// Free places go to the loudest newcomers. A full house changes one talker a tick, and only for somebody
// clearly louder than the quietest talker whose first moments are over.
void TalkerSelector::Impl::give_places(TimePoint at) {
  const auto louder = [this](Index a, Index b) { return loudness(a) > loudness(b); };
  const std::size_t places =
      config_.max_talkers == 0 ? legs_.size() : static_cast<std::size_t>(config_.max_talkers);
  waiting_ = talkers_.size() + newcomers_.size() - std::min(talkers_.size() + newcomers_.size(), places);
  if (talkers_.size() > places) {
    std::nth_element(talkers_.begin(), talkers_.begin() + static_cast<std::ptrdiff_t>(places), talkers_.end(),
                     louder);
    for (std::size_t i = places; i < talkers_.size(); ++i) leave_place(talkers_[i]);
    talkers_.resize(places);
    return;
  }
  const std::size_t free = std::min(places - talkers_.size(), newcomers_.size());
  if (free < newcomers_.size()) {
    const std::size_t sorted = std::min(free + 1, newcomers_.size());
    std::partial_sort(newcomers_.begin(), newcomers_.begin() + static_cast<std::ptrdiff_t>(sorted),
                      newcomers_.end(), louder);
  }
  for (std::size_t i = 0; i < free; ++i) take_place(newcomers_[i], at);
  if (free == newcomers_.size()) return;

  const Index challenger = newcomers_[free];
  const auto quietest = std::min_element(talkers_.begin(), talkers_.end(), [&](Index a, Index b) {
    const bool a_safe = at - legs_[a].talker_since < kHold;
    const bool b_safe = at - legs_[b].talker_since < kHold;
    return a_safe != b_safe ? b_safe : loudness(a) < loudness(b);
  });
  if (quietest == talkers_.end() || at - legs_[*quietest].talker_since < kHold) return;
  if (loudness(challenger) < loudness(*quietest) + kLouder) return;
  leave_place(*quietest);
  take_place(challenger, at);
}

void TalkerSelector::Impl::update_talking(Index index, TimePoint at) {
  Leg& leg = legs_[index];
  const bool voice = is_talker(index) && leg.evidence.speaking(at);
  leg.voice = voice ? leg.voice + tick_ : Duration::zero();
  if (voice) leg.last_talked = at;
  if (leg.voice >= kTalkingAfter) leg.talking = true;
  if (leg.muted || at - leg.last_talked >= kQuietAfter) leg.talking = false;
  if (leg.talking == leg.reported || leg.dirty) return;
  leg.dirty = true;
  dirty_.push_back(index);
}

std::span<const TalkerSelector::TalkingChange> TalkerSelector::Impl::changes() {
  changes_.clear();
  for (const Index index : dirty_) {
    Leg& leg = legs_[index];
    leg.dirty = false;
    if (leg.talking == leg.reported) continue;
    leg.reported = leg.talking;
    changes_.push_back({choices_[index].leg, leg.talking, level(choices_[index].leg)});
  }
  dirty_.clear();
  return changes_;
}

bool TalkerSelector::Impl::told(LegId leg, TimePoint at) const {
  const Index* index = find(leg);
  return index != nullptr && legs_[*index].evidence.told(at);
}

std::uint8_t TalkerSelector::Impl::level(LegId leg) const {
  const Index* index = find(leg);
  if (index == nullptr || legs_[*index].muted || !legs_[*index].evidence.voiced(now_)) return 127;
  return legs_[*index].evidence.level();
}

std::vector<LegId> TalkerSelector::Impl::active_speakers() const {
  std::vector<Index> speakers;
  for (const Index index : active_) {
    if (legs_[index].talking) speakers.push_back(index);
  }
  std::stable_sort(speakers.begin(), speakers.end(),
                   [this](Index a, Index b) { return loudness(a) > loudness(b); });
  std::vector<LegId> ids;
  ids.reserve(speakers.size());
  for (const Index index : speakers) ids.push_back(choices_[index].leg);
  return ids;
}

TalkerSelector::TalkerSelector(const TalkerConfig& config) : impl_(std::make_unique<Impl>(config)) {}
TalkerSelector::~TalkerSelector() = default;
void TalkerSelector::add(LegId leg, Codec codec, bool has_levels) {
  impl_->add(leg, codec, has_levels);
}
void TalkerSelector::remove(LegId leg) {
  impl_->remove(leg);
}
void TalkerSelector::set_muted(LegId leg, bool muted) {
  impl_->set_muted(leg, muted);
}
void TalkerSelector::set_max_talkers(int count) {
  impl_->set_max_talkers(count);
}
void TalkerSelector::on_packet(LegId leg, const MediaPacket& packet) {
  impl_->on_packet(leg, packet);
}
std::span<const TalkerSelector::Choice> TalkerSelector::choose(TimePoint at) {
  return impl_->choose(at);
}
void TalkerSelector::on_decoded(LegId leg, TimePoint at, float rms_dbfs, Duration delay) {
  impl_->on_decoded(leg, at, rms_dbfs, delay);
}
std::span<const TalkerSelector::TalkingChange> TalkerSelector::changes() {
  return impl_->changes();
}
std::size_t TalkerSelector::waiting() const {
  return impl_->waiting();
}
bool TalkerSelector::told(LegId leg, TimePoint at) const {
  return impl_->told(leg, at);
}
std::uint8_t TalkerSelector::level(LegId leg) const {
  return impl_->level(leg);
}
std::vector<LegId> TalkerSelector::active_speakers() const {
  return impl_->active_speakers();
}

}  // namespace parley::media
