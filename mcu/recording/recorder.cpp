#include "mcu/recording/recorder.hpp"

#include <algorithm>

#include "transport/base/log.hpp"
#include "transport/base/thread_name.hpp"

namespace parley::recording {
namespace {

constexpr Duration kStep = 50ms;
constexpr Duration kProgress = 10s;
constexpr Duration kMinute = 60s;
// Enough for 5 s of 150 participants who all talk.
constexpr std::size_t kNetRing = 8U << 20U;
constexpr std::size_t kMaxJobs = 65'536;
// A packet waits a step and as long for its page: with them no more than the interval is ever lost.
constexpr Duration kAhead = 3 * kStep;
constexpr Duration kStall = 1s;  // a round of writing that takes as long is worth telling

}  // namespace

Recorder::Recorder(const RecorderSettings& settings, std::unique_ptr<Disk> disk, RecorderEvents& events)
    : settings_(settings), disk_(std::move(disk)), events_(events), ring_(kNetRing) {
  thread_ = std::thread([this] { run(); });
}

Recorder::~Recorder() {
  {
    const std::lock_guard lock(lock_);
    stopping_ = true;
  }
  ready_.notify_one();
  thread_.join();
}

// --- Media threads

void Recorder::push_packet(LegId leg, const MediaPacket& packet) noexcept {
  if (!watched_.contains(leg)) return;
  const Header header{leg,
                      packet.ssrc,
                      packet.timestamp,
                      packet.sequence,
                      packet.size,
                      packet.level,
                      packet.arrival.time_since_epoch().count()};
  if (ring_.push(header, packet.data())) return;
  (*drops_)[raw(leg) % kDropCells].fetch_add(1, std::memory_order_relaxed);
  packets_dropped_.fetch_add(1, std::memory_order_release);
}

// --- ctl

bool Recorder::post(Job job, Order order) {
  {
    const std::lock_guard lock(lock_);
    auto& jobs = order == Order::before ? before_ : after_;
    if (jobs.size() >= kMaxJobs || stopping_) {
      jobs_refused_.fetch_add(1, std::memory_order_relaxed);
      return false;
    }
    jobs.push_back(std::move(job));
  }
  ready_.notify_one();
  return true;
}

bool Recorder::start(Recording::Start start) {
  return post([this, start = std::move(start)] {
    auto& made = recordings_[start.id];
    made = std::make_unique<Recording>(*disk_, start);
    made->save(settings_.clock());
    recording_count_.store(recordings_.size());
    events_.on_progress(made->manifest());
  });
}

// The leg is watched from here on; its packets wait in the ring until the job has run.
bool Recorder::attach(const std::string& recording, const RecordedLeg& leg) {
  expect(leg.leg, true);
  const bool posted = post([this, recording, leg] {
    drain_packets();  // those of a leg whose track it takes over come first
    expect(leg.leg, false);
    auto* found = find(recording);
    targets_[leg.leg] = found;
    if (found != nullptr) found->attach(leg);
  });
  if (!posted) expect(leg.leg, false);
  return posted && watched_.add(leg.leg);
}

void Recorder::expect(LegId leg, bool expected) {
  const std::lock_guard lock(lock_);
  if (expected)
    expected_.insert(leg);
  else
    expected_.erase(leg);
}

bool Recorder::is_expected(LegId leg) const {
  const std::lock_guard lock(lock_);
  return expected_.contains(leg);
}

bool Recorder::attach_mix(const std::string& recording, std::shared_ptr<pipelines::MixQueue> mix) {
  return post([this, recording, mix = std::move(mix)] {
    drain_mixes();
    auto* found = find(recording);
    std::erase_if(mixes_, [found](const Mix& old) { return old.recording == found; });
    if (found == nullptr) return;
    found->restart_mix();
    mixes_.push_back({found, mix, 0});
  });
}

bool Recorder::detach(LegId leg) {
  watched_.remove(leg);
  return post(
      [this, leg] {
        const auto found = targets_.find(leg);
        if (found == targets_.end()) return;
        if (found->second != nullptr) found->second->detach(leg);
        targets_.erase(found);
      },
      Order::after);
}

void Recorder::set_muted(LegId leg, bool muted) {
  if (muted) {
    watched_.remove(leg);
  } else {
    watched_.add(leg);
  }
}

bool Recorder::stop(const std::string& recording, const std::string& reason) {
  return post([this, recording, reason] { finish(recording, "finished", reason); }, Order::after);
}

bool Recorder::note(const std::string& recording, std::function<void(Recording&)> note) {
  return post([this, recording, note = std::move(note)] {
    if (auto* found = find(recording)) note(*found);
  });
}

bool Recorder::check_space() {
  return post([this] {
    if (!disk_low_ || disk_->free_bytes() < settings_.min_free_bytes + settings_.min_free_bytes / 10) return;
    disk_low_ = false;
    log::info("recording: there is enough space again");
    events_.on_disk_roomy();
  });
}

RecorderStats Recorder::stats() const {
  RecorderStats out;
  if (const auto since = round_since_.load(); since != TimePoint{})
    out.waiting_ms = static_cast<std::uint64_t>((now() - since) / 1ms);
  out.packets_dropped = packets_dropped_.load();
  out.jobs_refused = jobs_refused_.load();
  out.syncs = syncs_.load();
  out.failed_syncs = failed_syncs_.load();
  out.slowest_write_ms = std::max(slowest_ms_.load(), out.waiting_ms);
  out.stalls = stalls_.load();
  out.disk_low = disk_low_.load();
  out.recordings = recording_count_.load();
  out.in_trouble = trouble_count_.load();
  out.finished = finished_.load();
  out.bytes = bytes_.load();
  return out;
}

// --- disk

Recording* Recorder::find(const std::string& recording) {
  const auto found = recordings_.find(recording);
  return found == recordings_.end() ? nullptr : found->second.get();
}

void Recorder::run() {
  name_this_thread("disk");
  std::unique_lock lock(lock_);
  for (;;) {
    const auto woken = [this] { return stopping_ || !before_.empty() || !after_.empty(); };
    if (recordings_.empty()) {
      ready_.wait(lock, woken);
    } else {
      ready_.wait_for(lock, kStep, woken);
    }
    const bool last = stopping_;
    auto before = std::exchange(before_, {}), after = std::exchange(after_, {});
    lock.unlock();
    const auto at = settings_.clock();  // what arrived before is in the rings
    round_since_ = now();
    run_jobs(before);
    drain_packets();
    drain_mixes();
    count_drops();  // while their legs are known
    run_jobs(after);
    write(at);
    round_since_ = TimePoint{};
    if (last) break;
    lock.lock();
  }
  while (!recordings_.empty()) finish(recordings_.begin()->first, "finished", "server-stopped");
}

void Recorder::run_jobs(std::deque<Job>& jobs) {
  for (auto& job : jobs) {
    job();
    job = nullptr;  // what it owns goes before the next one runs
  }
}

void Recorder::drain_packets() {
  Header header;
  while (ring_.peek(header)) {
    const auto target = targets_.find(header.leg);
    // Its attach() waits among the jobs: so do its packets.
    if (target == targets_.end() && is_expected(header.leg)) return;
    if (target == targets_.end() || target->second == nullptr) {
      ring_.pop(header, nullptr);
      continue;
    }
    ring_.pop(header, packet_.payload.data());
    packet_.size = header.size;
    packet_.ssrc = header.ssrc;
    packet_.timestamp = header.timestamp;
    packet_.sequence = header.sequence;
    packet_.level = header.level;
    packet_.arrival = TimePoint(Duration(header.arrival));
    target->second->push(header.leg, packet_);
  }
}

void Recorder::drain_mixes() {
  pipelines::MixFrame frame;
  for (auto& mix : mixes_) {
    const bool ended = mix.queue->ended();  // asked first: nothing comes behind what is found now
    while (mix.queue->pop(frame, frame_)) {
      if (frame_.size() > MediaPacket::kMaxPayload) continue;
      packet_.assign(frame_);
      packet_.ssrc = 0;
      packet_.timestamp = static_cast<std::uint32_t>(frame.media_time);
      packet_.sequence = mix.frames++;
      packet_.level = frame.quiet ? std::uint8_t{127} : std::uint8_t{0};
      packet_.arrival = frame.spoken;
      mix.recording->push_mix(packet_);
    }
    const auto dropped = mix.queue->dropped();
    const auto more = dropped - std::exchange(mix.dropped, dropped);
    packets_dropped_.fetch_add(more, std::memory_order_relaxed);
    drops_seen_ += more;  // not the legs'
    if (more > 0) mix.recording->dropped_mix(more);
    if (ended) mix.queue = nullptr;
  }
  std::erase_if(mixes_, [](const Mix& mix) { return mix.queue == nullptr; });
}

void Recorder::write(TimePoint at) {
  if (recordings_.empty()) return;
  std::uint64_t in_trouble = 0;
  for (const auto& [id, recording] : recordings_) {
    const bool before = recording->in_trouble();
    recording->step(at);
    if (recording->in_trouble() != before) events_.on_trouble(recording->manifest(), !before);
    in_trouble += recording->in_trouble() ? 1 : 0;
  }
  trouble_count_.store(in_trouble);
  if (at - last_sync_ >= settings_.sync_interval - std::min(kAhead, settings_.sync_interval / 2)) sync(at);
  const auto ended = now();
  const auto begun = round_since_.load();
  const auto took = static_cast<std::uint64_t>((ended - begun) / 1ms);
  if (ended - begun >= kStall) stalled(begun, ended);
  if (took > slowest_ms_.load() || at - slow_since_ > kMinute) {
    slowest_ms_.store(took);
    slow_since_ = at;
  }
}

void Recorder::sync(TimePoint at) {
  last_sync_ = at;
  bool wrote = false;
  for (const auto& [id, recording] : recordings_) {
    recording->save(at);
    wrote |= recording->wrote_since_sync();
  }
  if (wrote) {
    const auto done = disk_->sync();
    (done ? syncs_ : failed_syncs_).fetch_add(1);
    for (const auto& [id, recording] : recordings_) recording->synced(done);
  }
  if (at - last_progress_ >= kProgress) {
    last_progress_ = at;
    for (const auto& [id, recording] : recordings_) events_.on_progress(recording->manifest());
  }
  if (settings_.min_free_bytes == 0 || disk_->free_bytes() >= settings_.min_free_bytes) return;
  log::error("recording: less than recording.min_free_mb is free, all recordings end");
  disk_low_ = true;
  while (!recordings_.empty()) finish(recordings_.begin()->first, "finished", "disk-low");
  events_.on_disk_low();
}

// The disk kept us waiting; what came meanwhile is in the rings, or was dropped and is counted.
void Recorder::stalled(TimePoint from, TimePoint to) {
  stalls_.fetch_add(1);
  log::warn("recording: the disk did not answer for {:.1f} s", to_seconds(to - from));
  for (const auto& [id, recording] : recordings_) recording->stalled(from, to);
}

void Recorder::count_drops() {
  const auto dropped = packets_dropped_.load(std::memory_order_acquire);
  if (std::exchange(drops_seen_, dropped) == dropped) return;
  for (const auto& [leg, recording] : targets_) {
    const auto packets = (*drops_)[raw(leg) % kDropCells].exchange(0, std::memory_order_relaxed);
    if (packets > 0 && recording != nullptr) recording->dropped(leg, packets);
  }
}

void Recorder::finish(const std::string& id, const std::string& state, const std::string& reason) {
  const auto found = recordings_.find(id);
  if (found == recordings_.end()) return;
  const auto recording = std::move(found->second);
  recordings_.erase(found);
  for (auto& [leg, target] : targets_)
    if (target == recording.get()) target = nullptr;
  std::erase_if(mixes_, [&](const Mix& mix) { return mix.recording == recording.get(); });
  recording->finish(settings_.clock(), state, reason);
  const auto done = disk_->sync();
  (done ? syncs_ : failed_syncs_).fetch_add(1);
  recording_count_.store(recordings_.size());
  finished_.fetch_add(1);
  bytes_.fetch_add(static_cast<std::uint64_t>(to_row(recording->manifest()).bytes));
  events_.on_finished(recording->manifest());
}

}  // namespace parley::recording
