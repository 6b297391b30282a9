// Inside of RoomPipeline: the legs of a room and what a tick does with them.
#pragma once

#include <memory>
#include <unordered_map>
#include <vector>

#include "pipelines/media/forward_gate.hpp"
#include "pipelines/media/frame_decoder.hpp"
#include "pipelines/media/loudness.hpp"
#include "pipelines/media/mix_plan.hpp"
#include "pipelines/media/overload_ladder.hpp"
#include "pipelines/media/switch_probe.hpp"
#include "pipelines/media/talker_budget.hpp"
#include "pipelines/media/talker_selector.hpp"
#include "pipelines/room_graph.hpp"
#include "pipelines/room_pipeline.hpp"

namespace parley::pipelines {

class RoomPipeline::Impl {
 public:
  Impl(const RoomMediaConfig& config, FrameSink& sink, RoomObserver& observer);

  void add_leg(const LegMedia& media);
  void remove_leg(LegId id);
  void set_direction(LegId id, bool sends, bool receives);
  void set_muted(LegId id, bool muted);
  void set_gain(LegId id, float gain_db);
  void set_personal_gain(LegId listener, LegId talker, std::optional<float> gain_db);
  void set_audience(LegId talker, std::vector<LegId> listeners, float duck_db);
  void set_group(LegId id, std::uint32_t group);
  void set_downlink_loss(LegId id, double fraction);
  void push(LegId id, const MediaPacket& packet);
  void tick(TimePoint at, unsigned skipped);
  void set_thread_work(Duration work, std::size_t rooms) {
    thread_work_ = work;
    thread_rooms_ = rooms;
  }
  bool idle() const;
  RoomStats stats() const;
  int overload_rung() const { return ladder_.rung(); }
  std::optional<LegStats> leg_stats(LegId id) const;
  std::vector<LegId> active_speakers() const { return selector_.active_speakers(); }
  std::string dot() const { return graph_.dot(); }

 private:
  // Loudness of one talker and the gain that brings it to the others' (design rule 10).
  struct Levelling {
    media::LoudnessMeter meter;
    media::AutoLevel gain;
    float told_db = 0;  // what the client was told last, and applies
    TimePoint next{};   // once the gain has settled: when to measure again
    bool sampling = false;
  };
  struct Leg {
    LegMedia media;
    std::unique_ptr<media::Receiver> receiver;
    media::TierChooser tiers;
    std::unique_ptr<Levelling> levelling;  // made when it first talks
    TalkerSlot* slot = nullptr;
    media::Pulled pulled;      // of this tick
    bool needed = true;        // in the last tick somebody heard its sound, not its packets
    bool passing = false;      // since it is not needed: not decoded
    TimePoint listen_until{};  // decoded until then in any case
    TimePoint next_glance{};
    int silent_glances = 0;
    std::uint64_t started_tick = 0;  // when the slot was taken
    std::uint64_t changed_tick = 0;  // mute, gain, group or audience: what is heard of it changed
    bool ending = false;             // heard for the last time this tick, fading out
    bool gone = false;               // removed; forgotten after this tick
    bool talking = false;
    float gain = 1.0F;  // for everybody
    float auto_gain = 1.0F;
    std::uint64_t ticks_decoded = 0;
    std::uint64_t ticks_passed = 0;
    std::uint64_t ticks_skipped = 0;
    DelayHistogram jitter_wait;
    DelayHistogram tick_wait;
    Duration over_alarm{};  // its audio has been delayed too much for so long
    TimePoint alarmed{};
  };
  struct Class {
    media::ClassId id = media::ClassId::none;
    ClassSlot* slot = nullptr;
    media::MixKey heard;  // the gains reached at the end of the last tick
    bool moving = false;  // some gain moves in this tick
    std::uint64_t changed_tick = 0;
    media::ForwardGate gate;
    media::ForwardGate::Serve serve = media::ForwardGate::Serve::encode;
    std::vector<Leg*> hears;                    // those of the mix's terms
    Leg* sole = nullptr;                        // the only talker heard, at unit gain
    Leg* rests_on = nullptr;                    // no mix is made while this talker is passed on undecoded
    std::unique_ptr<media::SwitchProbe> probe;  // while a change to verbatim is near
    bool verbatim_celt = false;                 // what the last packet passed on was
  };

  Leg* find(LegId id);
  const Leg* find(LegId id) const;
  media::Profile wanted_profile(const Leg& leg) const;
  bool settled(std::uint64_t changed_tick) const;

  // The steps of a tick: legs (room_impl.cpp) ...
  void serve(Leg& leg, media::Listening listening, TimePoint at);
  void start_talker(Leg& leg);
  void pull(Leg& leg, TimePoint at);
  void heard(Leg& leg);
  void watch_delay(Leg& leg, Duration delay);
  void look(Leg& leg, TimePoint at);
  void level(Leg& leg);

  // ... of which some are passed on undecoded (room_passing.cpp) ...
  bool dispensable(Leg& leg, TimePoint at);
  bool wants_measure(Leg& leg, TimePoint at);
  bool pass(Leg& leg, TimePoint at);
  void glance(Leg& leg, TimePoint at);
  void resume(Leg& leg);
  void wake(Leg& leg);
  void wake_heard(Class& served);
  void rest(Class& served);
  void rehearse(const Leg& leg, std::span<const float> sound);
  void end_talkers(TimePoint at);
  void tell();
  void climb(TimePoint at);

  // ... and classes (room_classes.cpp).
  void follow_plan(std::span<const media::PlanChange> changes, TimePoint at);
  void create_class(const media::PlanChange& change);
  void dissolve_class(const media::PlanChange& change, TimePoint at);
  void set_terms(const media::MixClass& planned, Class& served);
  void set_contributors(const media::MixClass& planned, Class& served);
  void leave_verbatim(Class& served);
  bool prove(Class& served, const Leg& talker);
  void follow_stream(Class& served);
  void choose_way(const media::MixClass& planned, Class& served);
  void send_verbatim(Class& served);
  void watch_moment(const media::MixClass& planned, const Class& served);
  void count(const media::MixClass& planned, Class& served);

  RoomMediaConfig config_;
  RoomObserver& observer_;
  RoomGraph graph_;
  media::TalkerSelector selector_;
  media::MixPlan plan_;
  media::OverloadLadder ladder_;
  media::TalkerBudget budget_;
  std::unordered_map<LegId, std::unique_ptr<Leg>> legs_;
  std::vector<Leg*> senders_;  // in the order of the selector's choices
  std::unordered_map<media::ClassId, Class> classes_;
  std::vector<LegId> talkers_;                               // whose sound is in this tick
  std::vector<std::unique_ptr<media::SwitchProbe>> probes_;  // spare ones
  std::vector<Leg*> ending_;
  std::vector<Leg*> gone_;
  std::vector<float> recalled_;
  std::unique_ptr<media::FrameDecoder> eye_;  // for looks
  std::size_t samples_;
  std::uint64_t settle_ticks_;
  std::uint64_t media_time_ = 0;
  std::uint64_t tick_count_;
  int starts_ = 0;       // of talkers in this tick
  int builds_left_ = 0;  // slots this tick may still add to the graph
  TimePoint begun_{};    // this tick's work, by the work clock
  Duration work_{};      // of the last tick
  Duration thread_work_{};
  std::size_t thread_rooms_ = 1;
  TimePoint last_tick_{};
  RoomStats stats_;
};

// A level as RTP header extensions carry it: -dBov, 0 loudest, 127 silence.
std::uint8_t to_level(float dbfs);
float to_dbfs(float rms);

}  // namespace parley::pipelines
