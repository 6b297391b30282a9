// Who hears what, and who shares an encoder (design rules 5, 6 and 7): from listeners, talkers, personal
// gains, side groups and whispers to the mix classes of a tick. Pure logic: no audio, no codec, no clock.
//
// A class is a set of listeners that receive the same packets from one encoder. Its key is what they hear:
// the talkers with the listener's gain for each, without oneself. When keys of one class's listeners part,
// the largest part keeps the encoder and every other part becomes a class that starts as a copy of it, so
// that no decoder notices. Classes of equal key and profile become one after 300 ms of equal input. Whoever
// has heard nothing yet gets a cold encoder: cold decoder and cold encoder fit. Threads: the room's mix
// thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "pipelines/media/profile.hpp"
#include "transport/base/ids.hpp"
#include "transport/base/time.hpp"

namespace parley::media {

enum class ClassId : std::uint32_t { none = 0 };

struct Share {
  LegId talker = LegId::none;
  float gain = 1.0F;  // linear, never 0
  bool operator==(const Share&) const = default;
};
using MixKey = std::vector<Share>;  // ordered by talker

struct MixClass {
  ClassId id = ClassId::none;
  Profile profile;
  MixKey key;
  std::uint64_t key_hash = 0;
  TimePoint key_since{};  // the key has been this since then
  // The larger class of equal key and profile that it will become one with, and since when the two have heard
  // the same, whatever that was.
  ClassId twin = ClassId::none;
  TimePoint twin_since{};
  bool ready = true;             // see set_ready()
  LegId verbatim = LegId::none;  // whose packets it gets instead of its encoder's
  std::vector<LegId> listeners;
};

struct PlanChange {
  enum class Kind : std::uint8_t { created, dissolved };
  Kind kind;
  ClassId id;
  ClassId other;  // created: the class its listeners leave (of equal profile: its encoder is copied), none: a
                  // cold one. dissolved: the class its listeners went to, none: they left the room
};

class MixPlan {
 public:
  static constexpr Duration kEqualInput = 300ms;  // before two encoders count as one
  static constexpr Duration kPatience = 240ms;    // for a good moment to do it in
  static constexpr Duration kSilence = 200ms;     // of silence before a decoder may meet an unrelated encoder
  static constexpr Duration kDuckAttack = 50ms;   // others make room for a whisper, and come back
  static constexpr Duration kDuckRelease = 400ms;
  static constexpr Duration kProfileHold = 10s;  // between two changes of a listener's profile

  void add_listener(LegId leg, const Profile& profile);
  void remove_listener(LegId leg);
  bool listens(LegId leg) const { return index_.contains(leg); }
  // Taken up when the leg hears silence, at most every 10 s.
  void set_profile(LegId leg, const Profile& profile);
  // Linear gain; 0 mutes, nullopt is unit gain. Kept for a listener that is not there yet.
  void set_gain(LegId listener, LegId talker, std::optional<float> gain);
  void set_group(LegId leg, std::uint32_t group);
  // `duck`: linear gain of everybody else at these listeners while the talker whispers.
  void set_audience(LegId talker, std::vector<LegId> listeners, float duck);
  // Forgets everything about the leg.
  void forget(LegId leg);

  // One tick. `talkers`: the legs whose sound is in this tick, in any order. Returns what changed, in order
  // of doing.
  std::span<const PlanChange> step(TimePoint at, std::span<const LegId> talkers);

  // Whose packets the class got verbatim in this tick. Two classes become one only while both get the same:
  // their decoders are then in the same state.
  void set_verbatim(ClassId id, LegId talker);

  // Whether this is a good moment for the class's decoders to meet another encoder. They wait for one, but
  // not for long: kPatience.
  void set_ready(ClassId id, bool ready);

  const std::vector<MixClass>& classes() const { return classes_; }
  const MixClass* find(ClassId id) const;
  // True when the last step changed a key or the listeners of any class.
  bool changed() const { return changed_; }

 private:
  struct Listener {
    LegId leg = LegId::none;
    Profile profile;  // served
    Profile wanted;
    TimePoint profile_since{};
    ClassId in = ClassId::none;
    std::size_t key = 0;  // of this step, index into keys_
  };
  struct Audience {
    std::vector<LegId> listeners;  // sorted
    float duck = 1.0F;
    double progress = 0;  // 0: nobody is lowered, 1: by all of `duck`
    float lowered = 1.0F;
  };
  struct Key {
    std::uint64_t hash = 0;
    MixKey shares;
  };

  void move_ducking(TimePoint at);
  bool take_talkers(std::span<const LegId> talkers);
  void find_keys();
  void build_key(LegId listener, std::uint32_t group);
  std::size_t intern();
  std::uint32_t group_of(LegId leg) const;
  void split(TimePoint at);
  void place_new(TimePoint at);
  void change_profiles(TimePoint at);
  void find_twins(TimePoint at);
  void join_twins(TimePoint at);
  MixClass& create(TimePoint at, const Profile& profile, std::size_t key, ClassId from);
  void dissolve(ClassId id, ClassId into);
  void set_key(MixClass& mix_class, std::size_t key, TimePoint at);
  void drop_empty();
  bool silent(const MixClass& mix_class, TimePoint at) const;

  std::vector<Listener> listeners_;
  std::unordered_map<LegId, std::size_t> index_;
  std::unordered_map<LegId, std::vector<Share>> gains_;  // by listener
  std::unordered_map<LegId, std::uint32_t> groups_;      // those of a side group
  std::unordered_map<LegId, Audience> audiences_;        // by whispering talker
  std::vector<LegId> talkers_;                           // sorted
  std::vector<MixClass> classes_;
  std::vector<Key> keys_;  // of this step; entries are reused
  std::size_t key_count_ = 0;
  Key scratch_;
  std::vector<std::pair<std::uint32_t, std::size_t>> group_keys_;
  std::vector<PlanChange> changes_;
  std::uint32_t last_id_ = 0;
  TimePoint last_step_{};
  bool dirty_ = false;
  bool changed_ = false;
  bool twins_ = false;
  std::size_t profiles_pending_ = 0;
};

}  // namespace parley::media
