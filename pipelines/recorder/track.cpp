#include "pipelines/recorder/track.hpp"

#include <algorithm>
#include <cstdlib>
#include <limits>

namespace parley::recorder {
namespace {

constexpr std::int64_t kNothing = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kTenMs = 480;
// A track this far behind has lost pages to a full disk, or has drifted for ten minutes without a pause: it
// is put right even while somebody speaks.
constexpr std::int64_t kTorn = 12 * kTenMs;
// A timestamp that is this far from where the last ones put it belongs to another clock.
constexpr std::int64_t kJump = 2 * 48'000;
constexpr std::uint8_t kQuietLevel = 60;  // -dBov
constexpr int kQuietRun = 2;              // quiet frames before one that may be taken

}  // namespace

Track::Track(TrackOutput& output, std::uint32_t clock_rate, TimePoint origin)
    : output_(output), scale_(48'000 / clock_rate), origin_(origin) {
  restart();
}

void Track::restart() {
  drain();
  sequences_.reset();
  timestamps_.reset();
  running_ = settled_ = placed_ = false;
  least_.fill(kNothing);
  quiet_run_ = 0;
}

std::int64_t Track::samples_since_origin(TimePoint at) const {
  return (at - origin_).count() / 1'000 * 48 / 1'000;
}

void Track::observe(TimePoint arrival, std::int64_t delay) {
  const auto second = (arrival - origin_) / std::chrono::seconds(1);
  if (second > second_) {
    const auto passed = std::min<std::int64_t>(second - second_, kSeconds);
    for (std::int64_t i = 0; i < passed; ++i)
      least_[static_cast<std::size_t>((second - i) % std::int64_t{kSeconds})] = kNothing;
    second_ = second;
  }
  if (second < 0) return;
  auto& least = least_[static_cast<std::size_t>(second_ % std::int64_t{kSeconds})];
  least = std::min(least, delay);
}

std::int64_t Track::floor() const {
  return *std::min_element(least_.begin(), least_.end());
}

void Track::push(const MediaPacket& packet) {
  if (packet.arrival < origin_) return;
  if (output_.samples_of(packet.data()) == 0) {
    ++stats_.refused;
    return;
  }
  if (running_) {
    const auto delay = samples_since_origin(packet.arrival) - timestamps_.peek(packet.timestamp) * scale_;
    const bool jumped = floor() != kNothing && std::abs(delay - floor()) > kJump;
    const bool stale = packet.arrival - last_arrival_ > std::chrono::seconds(kSeconds);
    if (packet.ssrc != ssrc_ || jumped || stale) restart();
  }
  if (!running_) {
    running_ = true;
    started_ = packet.arrival;
    ssrc_ = packet.ssrc;
  }
  ++stats_.packets;
  last_arrival_ = packet.arrival;
  Held held;
  held.arrival = packet.arrival;
  held.time = timestamps_.unwrap(packet.timestamp) * scale_;
  held.quiet = output_.is_pause(packet.data()) ||
               (packet.level != MediaPacket::kNoLevel && packet.level >= kQuietLevel);
  held.payload.assign(packet.data().begin(), packet.data().end());
  observe(packet.arrival, samples_since_origin(packet.arrival) - held.time);
  const auto sequence = sequences_.unwrap(packet.sequence);
  if (placed_ && sequence < next_sequence_) {
    ++stats_.late;
    return;
  }
  held_.emplace(sequence, std::move(held));
  emit_ready(packet.arrival);
}

void Track::emit_ready(TimePoint at) {
  if (!settled_) {
    if (!running_ || (at - started_ < kSettle && held_.size() < kMaxHeld)) return;
    settled_ = true;
  }
  while (!held_.empty()) {
    const auto first = held_.begin();
    const bool next = !placed_ || first->first == next_sequence_;
    if (!next && at - first->second.arrival < kWindow && held_.size() < kMaxHeld) return;
    emit(first->first, first->second);
    held_.erase(first);
  }
}

void Track::drain() {
  for (const auto& [sequence, packet] : held_) emit(sequence, packet);
  held_.clear();
}

void Track::emit(std::int64_t sequence, const Held& packet) {
  const auto samples = output_.samples_of(packet.payload);
  const auto least = floor();
  const auto want =
      packet.time + (least == kNothing ? samples_since_origin(packet.arrival) - packet.time : least);
  const auto error = want - static_cast<std::int64_t>(output_.position());
  const bool refused = output_.position() < reached_;  // by the disk: what stood here is gone
  const bool contiguous = placed_ && !refused && sequence == next_sequence_ && packet.time == next_time_;
  if (placed_ && sequence > next_sequence_)
    stats_.lost += static_cast<std::uint64_t>(sequence - next_sequence_);
  if (!placed_ && stats_.first_sample == 0)
    stats_.first_sample = static_cast<std::uint64_t>(std::max<std::int64_t>(want, 0));
  placed_ = true;
  next_sequence_ = sequence + 1;
  next_time_ = packet.time + samples;
  quiet_run_ = packet.quiet ? quiet_run_ + 1 : 0;

  if (contiguous) {
    place_contiguous(packet, error, samples);
  } else if (error < -std::max<std::int64_t>(samples / 2, kTenMs) - kTenMs) {
    ++stats_.late;  // its place has been filled
  } else {
    if (error > 0) output_.fill(static_cast<std::uint64_t>(error));
    output_.add(packet.payload);
  }
  reached_ = std::max(reached_, output_.position());
}

void Track::place_contiguous(const Held& packet, std::int64_t error, std::uint32_t samples) {
  const bool may_correct = quiet_run_ > kQuietRun;
  if (error > kTenMs && (may_correct || error > kTorn)) {
    output_.fill(static_cast<std::uint64_t>(error));
    ++stats_.corrected;
  } else if (error < -kTenMs && may_correct) {
    const auto rest = static_cast<std::int64_t>(samples) + error;
    if (rest > 0) output_.fill(static_cast<std::uint64_t>(rest));
    ++stats_.corrected;
    return;
  } else if (!packet.quiet) {
    stats_.worst_ms = std::max(stats_.worst_ms, static_cast<double>(std::abs(error)) / 48.0);
  }
  output_.add(packet.payload);
}

void Track::advance(TimePoint at, bool fill) {
  emit_ready(at);
  if (!fill || !output_.begun() || !held_.empty()) return;
  const auto target = samples_since_origin(at - kFillBehind) - static_cast<std::int64_t>(output_.position());
  if (target < 2 * kTenMs) return;
  output_.fill(static_cast<std::uint64_t>(target / (2 * kTenMs) * (2 * kTenMs)));
  reached_ = std::max(reached_, output_.position());
}

}  // namespace parley::recorder
