#include "pipelines/mix_tap.hpp"

#include <utility>

namespace parley::pipelines {

MixQueue::MixQueue(std::size_t bytes, std::function<void()> wake) : ring_(bytes), wake_(std::move(wake)) {}

void MixQueue::on_mix(const MixFrame& frame, Bytes packet) noexcept {
  if (!ring_.push(frame, packet)) {
    dropped_.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  if (wake_) wake_();
}

void MixQueue::on_tick(TimePoint deadline) noexcept {
  passed_.store(deadline.time_since_epoch().count(), std::memory_order_release);
}

void MixQueue::on_mix_end() noexcept {
  ended_.store(true, std::memory_order_release);
  if (wake_) wake_();
}

bool MixQueue::pop(MixFrame& frame, ByteBuffer& packet) {
  if (!ring_.peek(frame)) return false;
  packet.resize(frame.size);
  ring_.pop(frame, packet.data());
  return true;
}

}  // namespace parley::pipelines
