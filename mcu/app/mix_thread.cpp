#include "mcu/app/mix_thread.hpp"

#include <poll.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "transport/base/log.hpp"
#include "transport/base/thread_name.hpp"

namespace parley::app {
namespace {

constexpr std::size_t kCommandQueue = 4096;
constexpr std::size_t kPacketQueue = 8192;  // 160 ms of packets of 1,000 participants
constexpr Duration kPublishInterval = 1s;

}  // namespace

void accumulate(pipelines::RoomStats& sum, const pipelines::RoomStats& part, bool gauges) {
  sum.ticks += part.ticks;
  sum.decodes += part.decodes;
  sum.concealed += part.concealed;
  sum.fec += part.fec;
  sum.alarms += part.alarms;
  sum.encodes += part.encodes;
  sum.forwards += part.forwards;
  sum.mixed += part.mixed;
  sum.silent += part.silent;
  sum.shed += part.shed;
  sum.encoder_clones += part.encoder_clones;
  sum.class_joins += part.class_joins;
  sum.passes += part.passes;
  sum.looks += part.looks;
  sum.jitter_wait.add(part.jitter_wait);
  sum.tick_wait.add(part.tick_wait);
  sum.mix_work.add(part.mix_work);
  if (!gauges) return;
  sum.legs += part.legs;
  sum.talkers += part.talkers;
  sum.classes += part.classes;
  sum.overload_step = std::max(sum.overload_step, part.overload_step);
  sum.limiter_gain_db = std::min(sum.limiter_gain_db, part.limiter_gain_db);
}

// A room on this thread, and the ears its pipeline speaks to.
struct MixThread::Room final : pipelines::FrameSink, pipelines::RoomObserver {
  Room(MixThread& owner, const pipelines::RoomMediaConfig& config)
      : thread(owner), tick(config.tick), pipeline(config, *this, *this) {}

  void on_frame(const pipelines::OutboundFrame& frame) noexcept override {
    const std::size_t tapped = taps.empty() ? 0 : taps.serve(frame, deadline, pipeline);
    if (tapped == frame.legs.size()) return;
    std::array<CsrcLevel, 15> csrcs;
    const std::size_t count = std::min(frame.contributors.size(), csrcs.size());
    for (std::size_t i = 0; i < count; ++i)
      csrcs[i] = {raw(frame.contributors[i].leg), frame.contributors[i].level};
    thread.local_.encode_wait.add(now() - thread.tick_began_);
    RtpOut out;
    out.payload = frame.payload;
    out.media_time = frame.media_time;
    out.holes_before = frame.holes_before;
    out.marker = frame.marker;
    out.contributors = {csrcs.data(), count};
    out.begun = thread.tick_began_;
    thread.leg_server_.post_frame(out, frame.legs);
  }
  void on_talking(LegId leg, bool talking, std::uint8_t level) noexcept override {
    MediaEvent event;
    event.kind = MediaEvent::Kind::talking;
    event.leg = leg;
    event.talking = talking;
    event.level = level;
    thread.inbox_.post(event);
  }
  void on_delay_alarm(LegId leg, Duration delay) noexcept override {
    MediaEvent event;
    event.kind = MediaEvent::Kind::delay_alarm;
    event.leg = leg;
    event.delay = delay;
    thread.inbox_.post(event);
  }
  void on_gain_advice(LegId leg, float gain_db) noexcept override {
    MediaEvent event;
    event.kind = MediaEvent::Kind::gain_advice;
    event.leg = leg;
    event.gain_db = gain_db;
    thread.inbox_.post(event);
  }

  MixThread& thread;
  const Duration tick;
  Duration phase{};
  bool scheduled = false;
  TimePoint deadline{};
  Duration work{};  // of the last tick
  int rung = 0;
  pipelines::MixTaps taps;
  pipelines::RoomPipeline pipeline;
};

MixThread::MixThread(unsigned index, LegServer& legs, EventInbox& inbox, Retire retire)
    : index_(index),
      leg_server_(legs),
      inbox_(inbox),
      retire_(std::move(retire)),
      commands_(kCommandQueue),
      packets_(kPacketQueue) {
  thread_ = std::thread([this] { run(); });
}

MixThread::~MixThread() {
  stopping_.store(true);
  wake_.signal();
  thread_.join();
}

bool MixThread::post(Command command) {
  if (!commands_.push(std::move(command))) {
    commands_refused_.fetch_add(1, std::memory_order_relaxed);
    return false;
  }
  wake_.signal();
  return true;
}

bool MixThread::push(LegId leg, const MediaPacket& packet) {
  const bool pushed = packets_.push_with([&](Inbound& cell) {
    cell.leg = leg;
    cell.packet.ssrc = packet.ssrc;
    cell.packet.timestamp = packet.timestamp;
    cell.packet.arrival = packet.arrival;
    cell.packet.sequence = packet.sequence;
    cell.packet.level = packet.level;
    cell.packet.voice = packet.voice;
    cell.packet.marker = packet.marker;
    cell.packet.assign(packet.data());  // the used bytes only, not the whole record
  });
  if (!pushed) packets_dropped_.fetch_add(1, std::memory_order_relaxed);
  return pushed;
}

std::shared_ptr<MixThread::Room> MixThread::build_room(const pipelines::RoomMediaConfig& config) {
  return std::make_shared<Room>(*this, config);
}

void MixThread::open_room(RoomId id, std::shared_ptr<Room> room) {
  owner_.check();
  // Phases by the golden ratio: any number of rooms lies evenly over the tick, without knowing the number.
  const double turn = static_cast<double>(rooms_opened_++) * 0.6180339887498949;
  const double share = turn - static_cast<double>(static_cast<std::uint64_t>(turn));
  room->phase = Duration(static_cast<Duration::rep>(static_cast<double>(room->tick.count()) * share));
  rooms_[id] = std::move(room);
}

void MixThread::close_room(RoomId id) {
  owner_.check();
  const auto found = rooms_.find(id);
  if (found == rooms_.end()) return;
  std::erase_if(leg_rooms_, [&](const auto& entry) { return entry.second == found->second.get(); });
  found->second->taps.end_all();
  accumulate(dead_rooms_, found->second->pipeline.stats(), false);
  set_work(*found->second, Duration::zero());
  retire_(std::move(found->second));
  rooms_.erase(found);
}

void MixThread::add_leg(RoomId id, const pipelines::LegMedia& leg) {
  owner_.check();
  const auto found = rooms_.find(id);
  if (found == rooms_.end()) return;
  found->second->pipeline.add_leg(leg);
  leg_rooms_[leg.id] = found->second.get();
}

void MixThread::add_tap(RoomId id, LegId tap, std::shared_ptr<pipelines::MixConsumer> consumer) {
  owner_.check();
  const auto found = rooms_.find(id);
  if (found == rooms_.end()) return consumer->on_mix_end();
  pipelines::LegMedia listener;
  listener.id = tap;
  listener.sends = false;
  found->second->taps.add(tap, std::move(consumer));
  add_leg(id, listener);
}

void MixThread::remove_leg(LegId leg) {
  owner_.check();
  const auto found = leg_rooms_.find(leg);
  if (found == leg_rooms_.end()) return;
  found->second->pipeline.remove_leg(leg);
  found->second->taps.end(leg);
  leg_rooms_.erase(found);
}

pipelines::RoomPipeline* MixThread::room_of(LegId leg) {
  const auto found = leg_rooms_.find(leg);
  return found == leg_rooms_.end() ? nullptr : &found->second->pipeline;
}

pipelines::RoomPipeline* MixThread::room(RoomId id) {
  const auto found = rooms_.find(id);
  return found == rooms_.end() ? nullptr : &found->second->pipeline;
}

MixThreadStats MixThread::stats() const {
  const std::lock_guard lock(published_lock_);
  return published_;
}

void MixThread::run() {
  name_this_thread("mix-" + std::to_string(index_));
  owner_.check();
  while (!stopping_.load(std::memory_order_relaxed)) {
    drain_commands();
    drain_packets();
    const TimePoint at = now();
    TimePoint next = TimePoint::max();
    for (auto& [id, room] : rooms_) {
      if (!room->scheduled && !room->pipeline.idle()) schedule(*room, now());
      if (room->scheduled && room->deadline <= now()) run_tick(*room, now());
      if (room->scheduled) next = std::min(next, room->deadline);
    }
    if (at >= next_publish_) publish(at);
    if (rooms_.empty()) {
      wait_until(TimePoint::max());
    } else {
      wait_until(std::min(next, next_publish_));
    }
  }
  rooms_.clear();
}

void MixThread::drain_commands() {
  Command command;
  while (commands_.pop(command)) command(*this);
}

void MixThread::drain_packets() {
  while (packets_.pop_with([this](Inbound& inbound) {
    const auto found = leg_rooms_.find(inbound.leg);
    if (found == leg_rooms_.end()) return;  // the leg went while its packet was on the way
    found->second->pipeline.push(inbound.leg, inbound.packet);
  })) {
  }
}

void MixThread::schedule(Room& room, TimePoint at) {
  const auto since_epoch = at.time_since_epoch() - room.phase;
  const auto ticks = since_epoch / room.tick + 1;
  room.deadline = TimePoint(room.phase + ticks * room.tick);
  room.scheduled = true;
}

void MixThread::run_tick(Room& room, TimePoint at) {
  const Duration late = at - room.deadline;
  const auto skipped = static_cast<unsigned>(late / room.tick);
  tick_began_ = at;
  local_.lateness.add(late);
  local_.skipped_ticks += skipped;
  ++local_.ticks;
  room.deadline += skipped * room.tick;
  drain_packets();
  room.pipeline.set_thread_work(work_, rooms_.size());
  room.pipeline.tick(room.deadline, skipped);
  room.taps.passed(room.deadline);
  leg_server_.wake();
  set_work(room, now() - at);
  // An operator is told of overload at once.
  if (const int rung = room.pipeline.overload_rung(); std::exchange(room.rung, rung) != rung)
    next_publish_ = at;
  room.deadline += room.tick;
  room.scheduled = !room.pipeline.idle();
  if (!room.scheduled) set_work(room, Duration::zero());
}

void MixThread::set_work(Room& room, Duration work) {
  work_ += work - room.work;
  room.work = work;
}

void MixThread::publish(TimePoint at) {
  next_publish_ = at + kPublishInterval;
  local_.rooms = dead_rooms_;
  for (const auto& [id, room] : rooms_) accumulate(local_.rooms, room->pipeline.stats(), true);
  local_.room_count = rooms_.size();
  local_.packets_dropped = packets_dropped_.load(std::memory_order_relaxed);
  local_.commands_refused = commands_refused_.load(std::memory_order_relaxed);
  const std::lock_guard lock(published_lock_);
  published_ = local_;
}

void MixThread::wait_until(TimePoint deadline) {
  pollfd waiting{wake_.fd(), POLLIN, 0};
  timespec left{};
  timespec* limit = nullptr;
  if (deadline != TimePoint::max()) {
    const auto wait = std::max(Duration::zero(), deadline - now());
    left.tv_sec = static_cast<time_t>(wait / 1s);
    left.tv_nsec = static_cast<long>((wait % std::chrono::seconds(1)).count());
    limit = &left;
  }
  // ppoll takes nanoseconds: epoll_wait's milliseconds would make every tick up to one of them late.
  if (ppoll(&waiting, 1, limit, nullptr) > 0) wake_.drain();
}

}  // namespace parley::app
