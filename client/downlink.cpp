#include "client/downlink.hpp"

#include <algorithm>
#include <cmath>

namespace parley::client {

namespace {

media::ReceiverConfig receiver_config(Codec codec) {
  media::ReceiverConfig config;
  config.codec = codec;
  return config;
}

// Where a direct path dies, the server's needs a moment to step in.
media::ReceiverConfig direct_config() {
  media::ReceiverConfig config;
  config.conceal_for = 300ms;
  return config;
}

}  // namespace

Downlink::Downlink(Codec codec) : receiver_(receiver_config(codec)), direct_(direct_config()) {}

void Downlink::offer(const MediaPacket& packet) {
  offer(queue_, packet);
}

void Downlink::offer_direct(const MediaPacket& packet) {
  direct_used_.store(true, std::memory_order_relaxed);
  offer(direct_queue_, packet);
}

void Downlink::offer(BoundedQueue<MediaPacket>& queue, const MediaPacket& packet) {
  const bool taken = queue.push_with([&packet](MediaPacket& cell) {
    cell.ssrc = packet.ssrc;
    cell.timestamp = packet.timestamp;
    cell.arrival = packet.arrival;
    cell.sequence = packet.sequence;
    cell.level = packet.level;
    cell.voice = packet.voice;
    cell.marker = packet.marker;
    cell.assign(packet.data());
  });
  if (!taken) dropped_.fetch_add(1, std::memory_order_relaxed);
}

void Downlink::pull(TimePoint at, std::span<float, kSamples> out) {
  while (queue_.pop_with([this](MediaPacket& packet) { receiver_.insert(packet); })) {
  }
  if (receiver_.output_rate() == 48'000) {
    if (direct_used_.load(std::memory_order_relaxed))
      pull_both(at, out);
    else
      receiver_.pull(at, out);
  } else {
    std::array<float, kSamples / media::kResampleFactor> narrow;
    receiver_.pull(at, narrow);
    interpolator_.process(narrow, out);
  }
  publish(out);
}

void Downlink::pull_both(TimePoint at, std::span<float, kSamples> out) {
  while (direct_queue_.pop_with([this](MediaPacket& packet) { direct_.insert(packet); })) {
  }
  std::array<float, kSamples> mcu, direct;
  const auto mcu_kind = receiver_.pull(at, mcu).kind;
  const auto direct_kind = direct_.pull(at, direct).kind;
  const bool wanted = direct_wanted_.load(std::memory_order_relaxed);
  if (direct_dropped_.exchange(false, std::memory_order_relaxed)) fade_.drop_direct();
  fade_.mix(wanted, {mcu_kind, mcu}, {direct_kind, direct}, out);
  if (!wanted && !fade_.on_direct() && !direct_.active())
    direct_used_.store(false, std::memory_order_relaxed);
}

void Downlink::publish(std::span<const float> pcm) {
  double energy = 0;
  for (const float sample : pcm) energy += static_cast<double>(sample) * sample;
  constexpr double kForget = 0.02;  // one frame in a second's fifty
  energy_ += kForget * (energy / static_cast<double>(pcm.size()) - energy_);

  const std::lock_guard lock(mutex_);
  snapshot_.receiver = fade_.on_direct() ? direct_.stats() : receiver_.stats();
  snapshot_.level_dbfs = std::max(10 * std::log10(std::max(energy_, 1e-12)), -96.0);
  snapshot_.dropped = dropped_.load(std::memory_order_relaxed);
  snapshot_.rate = receiver_.output_rate();
}

Downlink::Snapshot Downlink::snapshot() const {
  const std::lock_guard lock(mutex_);
  return snapshot_;
}

}  // namespace parley::client
