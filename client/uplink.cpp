#include "client/uplink.hpp"

#include <algorithm>
#include <cstring>

namespace parley::client {

namespace {
constexpr double kSilence = -96;  // dBFS
}

Uplink::Uplink(std::unique_ptr<Encoder> encoder, const EncoderTuning& tuning, std::function<void()> wake)
    : encoder_(std::move(encoder)),
      wake_(std::move(wake)),
      bitrate_(tuning.bitrate),
      expected_loss_(tuning.expected_loss),
      ptime_(tuning.ptime.count()),
      gain_db_(tuning.gain_db) {}

void Uplink::push(TimePoint at, std::span<const float> pcm) {
  const Duration length = std::chrono::microseconds(pcm.size() * 125 / 6);  // 48 samples are 1 ms
  if (expected_at_ != TimePoint{} && at - expected_at_ > kMaxPause)
    encoder_->skip(static_cast<std::size_t>((at - expected_at_) / 1ms * 48));
  expected_at_ = at + length;
  if (!open_.load(std::memory_order_relaxed)) {
    encoder_->skip(pcm.size());
    level_dbfs_.store(kSilence, std::memory_order_relaxed);
    return;
  }
  encoder_->tune(wanted());
  bool any = false;
  encoder_->push(pcm, [this, &any](const EncodedPacket& encoded) {
    const bool taken = queue_.push_with([&encoded](Packet& cell) {
      std::memcpy(cell.payload.data(), encoded.payload.data(), encoded.payload.size());
      cell.size = encoded.payload.size();
      cell.media_time = encoded.media_time;
      cell.level = encoded.level;
      cell.voice = encoded.voice;
      cell.marker = encoded.marker;
    });
    if (!taken) dropped_.fetch_add(1, std::memory_order_relaxed);
    any = any || taken;
  });
  show_level();
  if (any) wake_();
}

void Uplink::show_level() {
  const double shown = level_dbfs_.load(std::memory_order_relaxed) - 1;
  level_dbfs_.store(std::max({encoder_->level_dbfs(), shown, kSilence}), std::memory_order_relaxed);
}

void Uplink::tune(const EncoderTuning& tuning) {
  bitrate_.store(tuning.bitrate, std::memory_order_relaxed);
  expected_loss_.store(tuning.expected_loss, std::memory_order_relaxed);
  ptime_.store(tuning.ptime.count(), std::memory_order_relaxed);
}

EncoderTuning Uplink::wanted() const {
  return {bitrate_.load(std::memory_order_relaxed), expected_loss_.load(std::memory_order_relaxed),
          Duration(ptime_.load(std::memory_order_relaxed)), gain_db_.load(std::memory_order_relaxed)};
}

Uplink::Snapshot Uplink::snapshot() const {
  return {wanted(), level_dbfs_.load(std::memory_order_relaxed), dropped_.load(std::memory_order_relaxed)};
}

}  // namespace parley::client
