#include "pipelines/streams/mix_clock.hpp"

#include <opus.h>

#include <cstdlib>

namespace parley::streams {
namespace {

constexpr int kRate = 48'000;
// Low-delay CELT at full band, mono, one frame (RFC 6716 section 3.1): what a room that was never heard says.
constexpr std::uint8_t kToc20 = 31 << 3, kToc10 = 30 << 3;

std::int64_t samples_in(Duration time) {
  return time * 48 / 1ms;
}

}  // namespace

MixClock::MixClock(Duration tick, TimePoint start)
    : tick_samples_(static_cast<std::uint32_t>(samples_in(tick))),
      start_(start),
      toc_(tick == 10ms ? kToc10 : kToc20) {}

std::int64_t MixClock::position_at(TimePoint at) const {
  return samples_in(at - start_);
}

void MixClock::push(std::uint64_t media_time, Bytes packet, TimePoint at) {
  if (packet.empty() || waiting_.size() >= kMaxWaiting) return;
  const int samples =
      opus_packet_get_nb_samples(packet.data(), static_cast<opus_int32>(packet.size()), kRate);
  if (samples <= 0) return;
  const auto media = static_cast<std::int64_t>(media_time);
  const std::int64_t present = position_at(at);
  if (!anchored_ || std::abs(media + offset_ - present) > samples_in(kJump)) {
    // The tick that is due next, counted from now, so that position keeps pace with the clock on the wall.
    const auto tick = static_cast<std::int64_t>(tick_samples_);
    const std::int64_t next = std::max(present / tick * tick, static_cast<std::int64_t>(position_));
    offset_ = next - media;
    anchored_ = true;
    waiting_.clear();
  }
  if (packet.size() > 1) toc_ = packet.front();
  waiting_.push_back({media + offset_, static_cast<std::uint32_t>(samples), {packet.begin(), packet.end()}});
}

void MixClock::give_filler(const std::function<void(const MixFrame&)>& give) {
  const std::uint8_t toc = toc_ & 0xfc;  // one frame in the packet
  const int samples = opus_packet_get_samples_per_frame(&toc, kRate);
  ++filled_;
  give({position_, static_cast<std::uint32_t>(samples), {&toc, 1}, true});
  position_ += static_cast<std::uint64_t>(samples);
}

void MixClock::step(TimePoint at, const std::function<void(const MixFrame&)>& give) {
  const std::int64_t due = position_at(at - kPatience);
  for (;;) {
    if (!waiting_.empty()) {
      const Waiting& first = waiting_.front();
      const std::int64_t ahead = first.position - static_cast<std::int64_t>(position_);
      if (ahead < 0) {
        ++late_;
      } else if (ahead >= static_cast<std::int64_t>(tick_samples_) / 2) {
        give_filler(give);
        continue;
      } else {
        give({position_, first.samples, first.packet, false});
        position_ += first.samples;
      }
      waiting_.pop_front();
    } else if (static_cast<std::int64_t>(position_ + tick_samples_) <= due) {
      give_filler(give);
    } else {
      return;
    }
  }
}

}  // namespace parley::streams
