// Inside of RoomPipeline: the legs of a room and what a tick does with them.
#pragma once

#include <memory>
#include <unordered_map>
#include <vector>

#include "pipelines/media/loudness.hpp"
#include "pipelines/media/mix_plan.hpp"
#include "pipelines/media/overload_ladder.hpp"
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
  bool idle() const;
  RoomStats stats() const;
  std::optional<LegStats> leg_stats(LegId id) const;
  std::vector<LegId> active_speakers() const { return selector_.active_speakers(); }
  std::string dot() const { return graph_.dot(); }

 private:
  struct Leg {
    LegMedia media;
    std::unique_ptr<media::Receiver> receiver;
    media::TierChooser tiers;
    TalkerSlot* slot = nullptr;
    std::uint64_t started_tick = 0;  // when the slot was taken
    bool ending = false;             // heard for the last time this tick, fading out
    bool gone = false;               // removed; its sound fades out this tick
    float gain = 1.0F;               // for everybody
    std::uint64_t ticks_decoded = 0;
    std::uint64_t ticks_skipped = 0;
    bool talking = false;
    DelayHistogram jitter_wait;
  };
  struct Class {
    ClassSlot* slot = nullptr;
    media::MixKey heard;  // the gains reached at the end of the last tick
    bool moving = false;  // some gain moves in this tick
    std::uint64_t packets = 0;
  };

  Leg* find(LegId id);
  const Leg* find(LegId id) const;
  media::Profile wanted_profile(const Leg& leg) const;

  // The steps of a tick.
  void serve(Leg& leg, media::Listening listening, TimePoint at);
  void start_talker(Leg& leg);
  void pull(Leg& leg, TimePoint at);
  void look(Leg& leg, TimePoint at);
  void follow_plan(std::span<const media::PlanChange> changes, TimePoint at);
  void create_class(const media::PlanChange& change);
  void dissolve_class(const media::PlanChange& change, TimePoint at);
  void set_terms(const media::MixClass& planned, Class& served);
  void set_contributors(const media::MixClass& planned, Class& served);
  void count(const media::MixClass& planned, Class& served);
  void end_talkers(TimePoint at);
  void tell();

  RoomMediaConfig config_;
  RoomObserver& observer_;
  RoomGraph graph_;
  media::TalkerSelector selector_;
  media::MixPlan plan_;
  media::OverloadLadder ladder_;
  std::unordered_map<LegId, std::unique_ptr<Leg>> legs_;
  std::unordered_map<media::ClassId, Class> classes_;
  std::vector<LegId> talkers_;  // whose sound is in this tick
  std::vector<Leg*> ending_;
  std::vector<Leg*> gone_;
  std::vector<float> scratch_;
  std::size_t samples_;
  std::uint64_t media_time_ = 0;
  std::uint64_t tick_count_ = 0;
  int builds_left_ = 0;  // elements this tick may still add to the graph
  TimePoint last_tick_{};
  RoomStats stats_;
};

}  // namespace parley::pipelines
