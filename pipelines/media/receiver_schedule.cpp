// When each packet is due, and what is done when playing is ahead of or behind that.
#include <algorithm>
#include <numeric>

#include "pipelines/media/receiver_impl.hpp"
#include "pipelines/media/waveform.hpp"

namespace parley::media {
namespace {

constexpr Duration kHysteresis = 1ms;       // playing moves forward only when this much is to spare
constexpr Duration kOnsetTolerance = 40ms;  // of a fresh onset nothing is cut off for less
constexpr Duration kIdle = 5s;              // then decoder and buffers are given back
constexpr int kPatienceToShorten = 40;      // ticks to wait for a quiet one before speech is touched
constexpr int kPatienceToLengthen = 15;
constexpr float kAlike = 0.7F;

}  // namespace

std::int64_t Receiver::Impl::samples_of(Duration duration) const {
  const auto whole = std::chrono::floor<std::chrono::seconds>(duration);
  return whole.count() * rate_ + (duration - whole).count() * rate_ / 1'000'000'000;
}

// Distance of the positions that packets of this length can be cut at by whole ticks.
std::int64_t Receiver::Impl::grid(const StoredPacket& packet) const {
  return std::gcd<std::int64_t>(packet.samples, static_cast<std::int64_t>(tick_));
}

// The latest media position, on the grid of packets that start at `start`, that may be played at `at` when
// every packet may come `wait` later than the fastest one.
std::int64_t Receiver::Impl::latest_position(TimePoint at, Duration wait, std::int64_t start,
                                             std::int64_t grid) const {
  const Duration media = at.time_since_epoch() - delays_.base() - wait;
  const std::int64_t limit = samples_of(media) - (static_cast<std::int64_t>(tick_) - grid);
  const std::int64_t beyond = (limit - start) % grid;
  return limit - (beyond < 0 ? beyond + grid : beyond);
}

// In-band FEC needs the next packet before the lost one is played.
Duration Receiver::Impl::fec_wait() const {
  return losses_.wait_for_fec() ? timeline_.media_time(packet_samples_) : Duration{};
}

Duration Receiver::Impl::wait(TimePoint at) const {
  return delays_.target(at, fec_wait());
}

std::int64_t Receiver::Impl::playing_position() const {
  return decoded_to_ - static_cast<std::int64_t>(pcm_.size());
}

// From silence to sound, if the next packet is due within this tick.
bool Receiver::Impl::start(TimePoint at) {
  const StoredPacket* next = store_.first_from(next_);
  if (next == nullptr) return false;
  const auto tick = static_cast<std::int64_t>(tick_);
  std::int64_t position = latest_position(at, wait(at), next->timestamp, grid(*next));
  // A lost packet in front of it can still be heard when its time is not over yet.
  const bool lost_before = next->sequence > next_ && next->fec_samples > 0;
  const std::int64_t rebuilt = next->timestamp - next->fec_samples;
  const bool rebuild = lost_before && rebuilt >= std::max(position, decoded_to_);
  if (position + tick <= (rebuild ? rebuilt : next->timestamp)) return false;

  const bool strict = strict_ || position - next->timestamp > samples_of(kOnsetTolerance);
  while (strict && next->end() <= position) {
    const StoredPacket* after = store_.first_from(next->sequence + 1);
    if (after == nullptr) break;
    leave_out_before(after->sequence);
    next = after;
  }
  std::int64_t begin = rebuild ? rebuilt : next->timestamp;
  if (strict && begin < position && position < next->end()) begin = position;
  const std::int64_t lead = std::clamp<std::int64_t>(begin - position, 0, tick - 1);
  const auto pause = pcm_.extend(static_cast<std::size_t>(lead));
  std::fill(pause.begin(), pause.end(), 0.0F);
  decoded_to_ = begin;
  playing_ = true;
  strict_ = false;
  after_dtx_ = false;
  debt_ = 0;
  concealed_run_ = 0;
  excess_ticks_ = deficit_ticks_ = 0;
  return true;
}

void Receiver::Impl::stop() {
  playing_ = false;
  debt_ = 0;
}

// A tick that never came takes its sound with it, or the delay would grow by it.
void Receiver::Impl::note_time(TimePoint at) {
  const bool missed = last_tick_ != TimePoint{} && at - last_tick_ >= config_.tick * 3 / 2;
  last_tick_ = at;
  now_ = at;
  if (!missed || !playing_) return;
  stop();
  pcm_.clear_waiting();
  warm_ = false;
  strict_ = true;
  seam_ = true;
}

void Receiver::Impl::skip(TimePoint at) {
  last_tick_ = at;
  now_ = at;
  if (playing_ || !pcm_.empty()) {
    stop();
    pcm_.clear_waiting();
  }
  strict_ = true;
  const auto tick = static_cast<std::int64_t>(tick_);
  for (const StoredPacket* p = store_.first_from(next_); p != nullptr; p = store_.first_from(next_)) {
    if (p->end() > latest_position(at, wait(at), p->timestamp, grid(*p)) + tick) break;
    pass_to(p->sequence + 1);
  }
  release_idle(at);
}

void Receiver::Impl::release_idle(TimePoint at) {
  if (decoder_ == nullptr || at - last_sound_ < kIdle) return;
  decoder_.reset();
  pcm_.release();
  warm_ = false;
  if (store_.size() == pre_roll_) {
    store_.release();
    pre_roll_ = 0;
  }
}

// Further behind than the bound allows: what is too old is left out, with a seam.
void Receiver::Impl::jump_if_far_behind(TimePoint at) {
  const StoredPacket* next = store_.first_from(next_);
  if (next == nullptr) return;
  const Duration bound = std::max(config_.max_delay + fec_wait(), wait(at)) + config_.tick;
  if (playing_position() >= latest_position(at, bound, next->timestamp, grid(*next))) return;
  const std::int64_t target = latest_position(at, wait(at), next->timestamp, grid(*next));
  const StoredPacket* last = next;
  while (last->end() <= target) {
    const StoredPacket* after = store_.first_from(last->sequence + 1);
    if (after == nullptr) break;
    last = after;
  }
  pcm_.clear_waiting();
  leave_out_before(last->sequence);
  decoded_to_ = last->timestamp;
  debt_ = 0;
  seam_ = true;
}

bool Receiver::Impl::is_quiet(std::span<const float> samples) const {
  const float level = rms_of(samples);
  return level < 0.0016F || level < 0.05F * loudness_;
}

// Decodes ahead what is certain to come next.
bool Receiver::Impl::prefetch(std::size_t samples) {
  while (pcm_.size() < samples) {
    const StoredPacket* next = store_.find(next_);
    if (next == nullptr || next->timestamp != decoded_to_) return false;
    decode(*next);
  }
  return true;
}

// How far the position that plays is from where the delay manager wants it.
void Receiver::Impl::measure_course(TimePoint at) {
  const std::int64_t grid = std::gcd<std::int64_t>(packet_samples_, static_cast<std::int64_t>(tick_));
  const std::int64_t playing = playing_position();
  const std::int64_t furthest = latest_position(at, wait(at) + kHysteresis, decoded_to_, grid);
  const std::int64_t needed = latest_position(at, delays_.steady_target(fec_wait()), decoded_to_, grid);
  excess_ = furthest - playing;
  deficit_ = playing - needed;
  excess_ticks_ = excess_ > 0 ? excess_ticks_ + 1 : 0;
  deficit_ticks_ = deficit_ > 0 ? deficit_ticks_ + 1 : 0;
}

// Steers the position that plays to where the delay manager wants it.
void Receiver::Impl::adjust(TimePoint at) {
  const float level = rms_of(pcm_.waiting().first(tick_));
  loudness_ = std::max(level, loudness_ * 0.995F);
  if (kind_ == PulledKind::decoded) noise_.observe(level);
  measure_course(at);
  if (debt_ > 0 || concealed_run_ > 0) return;
  if (excess_ticks_ >= kPatience) shorten(excess_);
  if (deficit_ticks_ >= kPatience) lengthen(deficit_);
  if (excess_ticks_ == 0 && deficit_ticks_ == 0) budget_ = 0;
}

void Receiver::Impl::shorten(std::int64_t excess) {
  const bool quiet = is_quiet(pcm_.waiting().first(tick_));
  const auto tick = static_cast<std::int64_t>(tick_);
  // Speech is hurried by a few percent, more when the delay is far too long.
  const double share = excess <= tick ? 0.06 : excess <= 3 * tick ? 0.15 : 0.3;
  budget_ = std::min(budget_ + share * static_cast<double>(tick_), 0.75 * static_cast<double>(tick_));
  if (!quiet && excess <= tick && excess_ticks_ < kPatienceToShorten) return;

  auto most = static_cast<std::size_t>(std::min(excess, tick));
  if (!quiet) most = std::min(most, static_cast<std::size_t>(budget_));
  prefetch(tick_ + most + stretcher_.reach());
  most = std::min(most, pcm_.size() - tick_);
  const std::size_t removed =
      stretcher_.shorten(pcm_, most, quiet, excess > 3 * tick ? kAlike - 0.2F : kAlike);
  if (removed == 0) return;
  if (!quiet) budget_ -= static_cast<double>(removed);
  stats_.stretched_samples += removed;
  clean_ = false;
  note(PulledKind::stretched);
}

void Receiver::Impl::lengthen(std::int64_t deficit) {
  const bool quiet = is_quiet(pcm_.waiting().first(tick_)) && is_quiet(pcm_.played());
  if (!quiet && deficit_ticks_ < kPatienceToLengthen) return;
  const auto wanted = static_cast<std::size_t>(std::min(deficit, static_cast<std::int64_t>(tick_)));
  const std::size_t added = stretcher_.lengthen(pcm_, wanted, quiet, kAlike);
  if (added == 0) return;
  stats_.stretched_samples += added;
  clean_ = false;
  note(PulledKind::stretched);
}

}  // namespace parley::media
