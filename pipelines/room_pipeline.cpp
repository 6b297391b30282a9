#include "pipelines/room_pipeline.hpp"

#include <gst/gst.h>

#include <algorithm>
#include <mutex>

#include "pipelines/elements/plugin.hpp"
#include "pipelines/room_impl.hpp"

namespace parley::pipelines {

void init(int* argc, char*** argv) {
  static std::once_flag once;
  std::call_once(once, [&] {
    gst_init(argc, argv);
    register_plugin();
  });
}

void DelayHistogram::add(Duration wait) {
  const auto ms = std::max<std::int64_t>(0, wait / 1ms);
  ++buckets[static_cast<std::size_t>(
      std::min<std::int64_t>(ms, static_cast<std::int64_t>(buckets.size()) - 1))];
}

void DelayHistogram::add(const DelayHistogram& other) {
  for (std::size_t i = 0; i < buckets.size(); ++i) buckets[i] += other.buckets[i];
}

double DelayHistogram::quantile_ms(double q) const {
  std::uint64_t total = 0;
  for (const std::uint64_t bucket : buckets) total += bucket;
  if (total == 0) return 0;
  const double wanted = q * static_cast<double>(total);
  double below = 0;
  for (std::size_t i = 0; i < buckets.size(); ++i) {
    const auto here = static_cast<double>(buckets[i]);
    // Within a bucket the waits are taken as evenly spread.
    if (here > 0 && below + here >= wanted) return static_cast<double>(i) + (wanted - below) / here;
    below += here;
  }
  return static_cast<double>(buckets.size());
}

RoomPipeline::RoomPipeline(const RoomMediaConfig& config, FrameSink& sink, RoomObserver& observer)
    : impl_(std::make_unique<Impl>(config, sink, observer)) {}
RoomPipeline::~RoomPipeline() = default;

void RoomPipeline::add_leg(const LegMedia& leg) {
  impl_->add_leg(leg);
}
void RoomPipeline::remove_leg(LegId leg) {
  impl_->remove_leg(leg);
}
void RoomPipeline::set_direction(LegId leg, bool sends, bool receives) {
  impl_->set_direction(leg, sends, receives);
}
void RoomPipeline::set_muted(LegId talker, bool muted) {
  impl_->set_muted(talker, muted);
}
void RoomPipeline::set_gain(LegId talker, float gain_db) {
  impl_->set_gain(talker, gain_db);
}
void RoomPipeline::set_personal_gain(LegId listener, LegId talker, std::optional<float> gain_db) {
  impl_->set_personal_gain(listener, talker, gain_db);
}
void RoomPipeline::set_audience(LegId talker, std::vector<LegId> listeners, float duck_db) {
  impl_->set_audience(talker, std::move(listeners), duck_db);
}
void RoomPipeline::set_group(LegId leg, std::uint32_t group) {
  impl_->set_group(leg, group);
}
void RoomPipeline::set_downlink_loss(LegId leg, double fraction) {
  impl_->set_downlink_loss(leg, fraction);
}
void RoomPipeline::push(LegId leg, const MediaPacket& packet) {
  impl_->push(leg, packet);
}
void RoomPipeline::tick(TimePoint at, unsigned skipped) {
  impl_->tick(at, skipped);
}
void RoomPipeline::set_thread_work(Duration work, std::size_t rooms) {
  impl_->set_thread_work(work, rooms);
}
bool RoomPipeline::idle() const {
  return impl_->idle();
}
int RoomPipeline::overload_rung() const {
  return impl_->overload_rung();
}
RoomStats RoomPipeline::stats() const {
  return impl_->stats();
}
std::optional<LegStats> RoomPipeline::leg_stats(LegId leg) const {
  return impl_->leg_stats(leg);
}
std::vector<LegId> RoomPipeline::active_speakers() const {
  return impl_->active_speakers();
}
std::string RoomPipeline::dot() const {
  return impl_->dot();
}

}  // namespace parley::pipelines
