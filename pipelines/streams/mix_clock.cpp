#include "pipelines/streams/mix_clock.hpp"

#include <opus.h>

#include <algorithm>

namespace parley::streams {
namespace {

constexpr int kRate = 48'000;
// Low-delay CELT at full band, mono, one frame (RFC 6716 section 3.1): what a room that was never heard says.
constexpr std::uint8_t kToc20 = 31 << 3, kToc10 = 30 << 3;

}  // namespace

MixClock::MixClock(Duration tick, TimePoint start)
    : tick_(tick),
      tick_samples_(static_cast<std::uint32_t>(tick * 48 / 1ms)),
      start_(start),
      toc_(tick == 10ms ? kToc10 : kToc20) {}

// A room ticks on a grid of its own. Its phase falls away: every tick has a place of its own, and a room that
// was built anew with another phase is less than a tick off.
std::int64_t MixClock::position_of(TimePoint tick) const {
  const auto since = tick - start_;
  const auto ticks = since / tick_ - (since % tick_ < Duration::zero() ? 1 : 0);
  return ticks * static_cast<std::int64_t>(tick_samples_);
}

void MixClock::push(TimePoint tick, Bytes packet) {
  if (packet.empty() || waiting_.size() >= kMaxWaiting) return;
  const int samples =
      opus_packet_get_nb_samples(packet.data(), static_cast<opus_int32>(packet.size()), kRate);
  if (samples <= 0) return;
  waiting_.push_back(
      {position_of(tick), static_cast<std::uint32_t>(samples), {packet.begin(), packet.end()}});
}

void MixClock::give_filler(const std::function<void(const MixFrame&)>& give) {
  const std::uint8_t toc = toc_ & 0xfc;  // one frame in the packet
  const int samples = opus_packet_get_samples_per_frame(&toc, kRate);
  ++filled_;
  give({position_, static_cast<std::uint32_t>(samples), {&toc, 1}, true});
  position_ += static_cast<std::uint64_t>(samples);
}

void MixClock::step(TimePoint at, TimePoint passed, const std::function<void(const MixFrame&)>& give) {
  // The position behind the last tick that nothing can come for any more.
  const std::int64_t due =
      position_of(std::max(passed, at - kPatience)) + static_cast<std::int64_t>(tick_samples_);
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
        if (first.packet.size() > 1) toc_ = first.packet.front();
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
