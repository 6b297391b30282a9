#include "pipelines/media/mix_plan.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

#include "transport/base/check.hpp"

namespace parley::media {

namespace {

std::uint64_t mix_hash(std::uint64_t hash, std::uint64_t value) {
  hash ^= value + 0x9e37'79b9'7f4a'7c15ULL + (hash << 6) + (hash >> 2);
  return hash * 0xff51'afd7'ed55'8ccdULL;
}

bool contains(const std::vector<LegId>& sorted, LegId leg) {
  return std::binary_search(sorted.begin(), sorted.end(), leg);
}

}  // namespace

void MixPlan::add_listener(LegId leg, const Profile& profile) {
  if (index_.contains(leg)) return set_profile(leg, profile);
  index_[leg] = listeners_.size();
  Listener listener;
  listener.leg = leg;
  listener.profile = listener.wanted = profile;
  listeners_.push_back(listener);
  dirty_ = true;
}

void MixPlan::remove_listener(LegId leg) {
  const auto found = index_.find(leg);
  if (found == index_.end()) return;
  const std::size_t position = found->second;
  const ClassId in = listeners_[position].in;
  if (listeners_[position].profile != listeners_[position].wanted) --profiles_pending_;
  index_.erase(found);
  if (position + 1 != listeners_.size()) {
    listeners_[position] = listeners_.back();
    index_[listeners_[position].leg] = position;
  }
  listeners_.pop_back();
  for (MixClass& mix_class : classes_) {
    if (mix_class.id == in) std::erase(mix_class.listeners, leg);
  }
  dirty_ = true;
}

void MixPlan::set_profile(LegId leg, const Profile& profile) {
  const auto found = index_.find(leg);
  if (found == index_.end()) return;
  Listener& listener = listeners_[found->second];
  const bool before = listener.profile != listener.wanted;
  listener.wanted = profile;
  if (listener.in == ClassId::none) listener.profile = profile;  // nothing has been heard yet
  const bool after = listener.profile != listener.wanted;
  profiles_pending_ += static_cast<std::size_t>(after) - static_cast<std::size_t>(before);
}

void MixPlan::set_gain(LegId listener, LegId talker, std::optional<float> gain) {
  auto& gains = gains_[listener];
  std::erase_if(gains, [&](const Share& share) { return share.talker == talker; });
  if (gain && *gain != 1.0F) gains.push_back({talker, *gain});
  if (gains.empty()) gains_.erase(listener);
  dirty_ = true;
}

void MixPlan::set_group(LegId leg, std::uint32_t group) {
  if (group == 0) {
    groups_.erase(leg);
  } else {
    groups_[leg] = group;
  }
  dirty_ = true;
}

void MixPlan::set_audience(LegId talker, std::vector<LegId> listeners, float duck) {
  if (listeners.empty()) {
    audiences_.erase(talker);
  } else {
    std::sort(listeners.begin(), listeners.end());
    Audience& audience = audiences_[talker];
    audience.listeners = std::move(listeners);
    audience.duck = duck;
  }
  dirty_ = true;
}

void MixPlan::forget(LegId leg) {
  remove_listener(leg);
  gains_.erase(leg);
  groups_.erase(leg);
  audiences_.erase(leg);
  for (auto it = gains_.begin(); it != gains_.end();) {
    std::erase_if(it->second, [&](const Share& share) { return share.talker == leg; });
    it = it->second.empty() ? gains_.erase(it) : std::next(it);
  }
  // An audience whose last listener has gone stays a whisper: to nobody, never to everybody.
  for (auto& [talker, audience] : audiences_) std::erase(audience.listeners, leg);
  dirty_ = true;
}

std::span<const PlanChange> MixPlan::step(TimePoint at, std::span<const LegId> talkers) {
  changes_.clear();
  changed_ = false;
  const bool other_talkers = take_talkers(talkers);
  if (!audiences_.empty()) move_ducking(at);
  last_step_ = at;
  if (other_talkers || dirty_) {
    dirty_ = false;
    changed_ = true;
    find_keys();
    split(at);
    place_new(at);
    drop_empty();
    find_twins(at);
  }
  if (profiles_pending_ > 0) change_profiles(at);
  if (twins_) join_twins(at);
  return changes_;
}

const MixClass* MixPlan::find(ClassId id) const {
  const auto found =
      std::find_if(classes_.begin(), classes_.end(), [&](const auto& c) { return c.id == id; });
  return found == classes_.end() ? nullptr : &*found;
}

void MixPlan::set_verbatim(ClassId id, LegId talker) {
  for (MixClass& mix_class : classes_) {
    if (mix_class.id == id) mix_class.verbatim = talker;
  }
}

void MixPlan::set_ready(ClassId id, bool ready) {
  for (MixClass& mix_class : classes_) {
    if (mix_class.id == id) mix_class.ready = ready;
  }
}

bool MixPlan::take_talkers(std::span<const LegId> talkers) {
  if (std::equal(talkers.begin(), talkers.end(), talkers_.begin(), talkers_.end())) return false;
  std::vector<LegId> sorted(talkers.begin(), talkers.end());
  std::sort(sorted.begin(), sorted.end());
  if (sorted == talkers_) return false;
  talkers_ = std::move(sorted);
  return true;
}

void MixPlan::move_ducking(TimePoint at) {
  for (auto& [talker, audience] : audiences_) {
    const bool active = contains(talkers_, talker);
    const double share = to_seconds(at - last_step_) / to_seconds(active ? kDuckAttack : kDuckRelease);
    const double progress = std::clamp(audience.progress + (active ? share : -share), 0.0, 1.0);
    if (progress == audience.progress) continue;
    audience.progress = progress;
    audience.lowered = static_cast<float>(std::pow(static_cast<double>(audience.duck), progress));
    dirty_ = true;
  }
}

std::uint32_t MixPlan::group_of(LegId leg) const {
  if (groups_.empty()) return 0;
  const auto found = groups_.find(leg);
  return found == groups_.end() ? 0 : found->second;
}

// Most listeners have no wishes of their own and do not talk: they share the key of their group.
void MixPlan::find_keys() {
  key_count_ = 0;
  group_keys_.clear();
  const bool whispers = std::any_of(audiences_.begin(), audiences_.end(), [&](const auto& entry) {
    return entry.second.progress > 0 || contains(talkers_, entry.first);
  });
  for (Listener& listener : listeners_) {
    const std::uint32_t group = group_of(listener.leg);
    const bool plain = !whispers && !gains_.contains(listener.leg) && !contains(talkers_, listener.leg);
    if (!plain) {
      build_key(listener.leg, group);
      listener.key = intern();
      continue;
    }
    const auto known = std::find_if(group_keys_.begin(), group_keys_.end(),
                                    [&](const auto& entry) { return entry.first == group; });
    if (known != group_keys_.end()) {
      listener.key = known->second;
      continue;
    }
    build_key(listener.leg, group);
    listener.key = intern();
    group_keys_.emplace_back(group, listener.key);
  }
}

void MixPlan::build_key(LegId listener, std::uint32_t group) {
  scratch_.shares.clear();
  scratch_.hash = 0;
  const auto own = gains_.find(listener);
  float lowered = 1.0F;
  for (const auto& [talker, audience] : audiences_) {
    if (contains(audience.listeners, listener)) lowered = std::min(lowered, audience.lowered);
  }
  for (const LegId talker : talkers_) {
    if (talker == listener) continue;
    // A whisper crosses groups: the named listeners are its only address.
    const auto audience = audiences_.find(talker);
    const bool whisper = audience != audiences_.end();
    if (whisper ? !contains(audience->second.listeners, listener) : group_of(talker) != group) continue;
    float gain = whisper ? 1.0F : lowered;
    if (own != gains_.end()) {
      const auto wish = std::find_if(own->second.begin(), own->second.end(),
                                     [&](const Share& share) { return share.talker == talker; });
      if (wish != own->second.end()) gain *= wish->gain;
    }
    if (gain == 0.0F) continue;
    scratch_.shares.push_back({talker, gain});
    scratch_.hash = mix_hash(mix_hash(scratch_.hash, raw(talker)), std::bit_cast<std::uint32_t>(gain));
  }
}

std::size_t MixPlan::intern() {
  for (std::size_t i = 0; i < key_count_; ++i) {
    if (keys_[i].hash == scratch_.hash && keys_[i].shares == scratch_.shares) return i;
  }
  if (key_count_ == keys_.size()) keys_.emplace_back();
  std::swap(keys_[key_count_], scratch_);
  return key_count_++;
}

void MixPlan::set_key(MixClass& mix_class, std::size_t key, TimePoint at) {
  if (mix_class.key_hash == keys_[key].hash && mix_class.key == keys_[key].shares) return;
  mix_class.key = keys_[key].shares;
  mix_class.key_hash = keys_[key].hash;
  mix_class.key_since = at;
}

MixClass& MixPlan::create(TimePoint at, const Profile& profile, std::size_t key, ClassId from) {
  MixClass& made = classes_.emplace_back();
  made.id = static_cast<ClassId>(++last_id_);
  made.profile = profile;
  made.key = keys_[key].shares;
  made.key_hash = keys_[key].hash;
  made.key_since = at;
  changes_.push_back({PlanChange::Kind::created, made.id, from});
  return made;
}

void MixPlan::split(TimePoint at) {
  struct Part {
    std::size_t key;
    std::size_t count;
    ClassId into;
  };
  std::vector<Part> parts;
  const std::size_t count = classes_.size();
  for (std::size_t i = 0; i < count; ++i) {
    parts.clear();
    for (const LegId leg : classes_[i].listeners) {
      const std::size_t key = listeners_[index_.at(leg)].key;
      const auto part = std::find_if(parts.begin(), parts.end(), [&](const Part& p) { return p.key == key; });
      if (part == parts.end()) {
        parts.push_back({key, 1, ClassId::none});
      } else {
        ++part->count;
      }
    }
    if (parts.empty()) continue;
    const auto largest = std::max_element(parts.begin(), parts.end(),
                                          [](const Part& a, const Part& b) { return a.count < b.count; });
    std::iter_swap(parts.begin(), largest);
    set_key(classes_[i], parts.front().key, at);
    if (parts.size() == 1) continue;

    const ClassId origin = classes_[i].id;
    const std::vector<LegId> legs = std::exchange(classes_[i].listeners, {});
    parts.front().into = origin;
    for (auto part = std::next(parts.begin()); part != parts.end(); ++part) {
      part->into = create(at, Profile(classes_[i].profile), part->key, origin).id;
    }
    for (const LegId leg : legs) {
      Listener& listener = listeners_[index_.at(leg)];
      const auto part =
          std::find_if(parts.begin(), parts.end(), [&](const Part& p) { return p.key == listener.key; });
      listener.in = part->into;
      auto& home = part == parts.begin() ? classes_[i]
                                         : *std::find_if(classes_.begin(), classes_.end(),
                                                         [&](auto& c) { return c.id == part->into; });
      home.listeners.push_back(leg);
    }
  }
}

// A newcomer may join a class that is silent (nothing to hear wrong) or one of G.711 (no decoder state); in
// the middle of speech it starts with a cold encoder, shared with other newcomers of this tick.
void MixPlan::place_new(TimePoint at) {
  const std::uint32_t first_new = last_id_;
  for (Listener& listener : listeners_) {
    if (listener.in != ClassId::none) continue;
    const Key& key = keys_[listener.key];
    const auto home = std::find_if(classes_.begin(), classes_.end(), [&](const MixClass& c) {
      if (c.profile != listener.profile || c.key_hash != key.hash || c.key != key.shares) return false;
      const bool cold = static_cast<std::uint32_t>(c.id) > first_new;
      return cold || c.profile.codec != Codec::opus || silent(c, at);
    });
    MixClass& joined =
        home != classes_.end() ? *home : create(at, listener.profile, listener.key, ClassId::none);
    joined.listeners.push_back(listener.leg);
    listener.in = joined.id;
    listener.profile_since = at;
  }
}

bool MixPlan::silent(const MixClass& mix_class, TimePoint at) const {
  return mix_class.key.empty() && at - mix_class.key_since >= kSilence;
}

void MixPlan::change_profiles(TimePoint at) {
  const std::uint32_t first_new = last_id_;
  for (Listener& listener : listeners_) {
    if (listener.profile == listener.wanted || at - listener.profile_since < kProfileHold) continue;
    const auto old =
        std::find_if(classes_.begin(), classes_.end(), [&](auto& c) { return c.id == listener.in; });
    if (old == classes_.end() || !silent(*old, at)) continue;
    std::erase(old->listeners, listener.leg);
    listener.profile = listener.wanted;
    listener.profile_since = at;
    --profiles_pending_;
    const auto home = std::find_if(classes_.begin(), classes_.end(), [&](const MixClass& c) {
      return c.profile == listener.profile &&
             (silent(c, at) || (c.key.empty() && static_cast<std::uint32_t>(c.id) > first_new));
    });
    if (home != classes_.end()) {
      home->listeners.push_back(listener.leg);
      listener.in = home->id;
    } else {
      const ClassId old_id = old->id;
      scratch_.shares.clear();
      scratch_.hash = 0;
      MixClass& made = create(at, listener.profile, intern(), old_id);
      made.listeners.push_back(listener.leg);
      listener.in = made.id;
    }
    changed_ = true;
  }
  if (!changed_) return;
  drop_empty();
  find_twins(at);
}

void MixPlan::drop_empty() {
  for (std::size_t i = classes_.size(); i-- > 0;) {
    if (!classes_[i].listeners.empty()) continue;
    changes_.push_back({PlanChange::Kind::dissolved, classes_[i].id, ClassId::none});
    classes_.erase(classes_.begin() + static_cast<std::ptrdiff_t>(i));
  }
}

// Two keys that change in the same step to the same new one leave their classes twins: it counts what is
// heard, not for how long it is the same people.
void MixPlan::find_twins(TimePoint at) {
  twins_ = false;
  for (MixClass& small : classes_) {
    const MixClass* twin = nullptr;
    for (const MixClass& big : classes_) {
      if (big.id == small.id || big.key_hash != small.key_hash || big.profile != small.profile ||
          big.key != small.key)
        continue;
      if (std::pair(big.listeners.size(), small.id) <= std::pair(small.listeners.size(), big.id)) continue;
      if (twin == nullptr || big.id == small.twin ||
          (twin->id != small.twin && big.listeners.size() > twin->listeners.size()))
        twin = &big;
    }
    const ClassId found = twin == nullptr ? ClassId::none : twin->id;
    if (found != small.twin) small.twin_since = at;
    small.twin = found;
    twins_ |= twin != nullptr;
  }
}

void MixPlan::join_twins(TimePoint at) {
  bool joined = false;
  for (std::size_t i = classes_.size(); i-- > 0;) {
    MixClass& small = classes_[i];
    const Duration equal = at - small.twin_since;
    if (small.twin == ClassId::none || equal < kEqualInput) continue;
    if (!small.ready && equal < kEqualInput + kPatience) continue;
    const auto big =
        std::find_if(classes_.begin(), classes_.end(), [&](const auto& c) { return c.id == small.twin; });
    if (big == classes_.end() || big->verbatim != small.verbatim) continue;
    for (const LegId leg : small.listeners) listeners_[index_.at(leg)].in = big->id;
    big->listeners.insert(big->listeners.end(), small.listeners.begin(), small.listeners.end());
    changes_.push_back({PlanChange::Kind::dissolved, small.id, big->id});
    classes_.erase(classes_.begin() + static_cast<std::ptrdiff_t>(i));
    joined = true;
  }
  if (!joined) return;
  changed_ = true;
  find_twins(at);
}

}  // namespace parley::media
