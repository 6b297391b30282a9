// Ticks of which nobody needs the sound: packets go by, and can be looked at or recalled.
#include <algorithm>
#include <array>
#include <cmath>

#include "pipelines/media/receiver_impl.hpp"
#include "pipelines/media/waveform.hpp"

namespace parley::media {
namespace {

constexpr std::size_t kGlanceMs = 60;  // two packets for the decoder to settle, one to judge
constexpr std::size_t kJudgedMs = 20;
constexpr std::size_t kMaxPacketMs = 120;
constexpr std::size_t kEyeMs = Receiver::kEyeRate / 1'000;

}  // namespace

std::optional<Pulled> Receiver::Impl::pass(TimePoint at) {
  if (config_.codec != Codec::opus || seam_ || !pcm_.empty()) return std::nullopt;
  note_time(at);
  if (playing_) jump_if_far_behind(at);
  if (seam_) return std::nullopt;
  if (!playing_ && !start(at)) {
    release_idle(at);
    return pass_silence();
  }
  const StoredPacket* next = store_.first_from(next_);
  if (next == nullptr || !pcm_.empty() || debt_ > 0 || concealed_run_ > 0) return std::nullopt;
  if (next->timestamp != decoded_to_) return pass_hole(*next);
  measure_course(at);
  return off_course() ? std::nullopt : pass_packet(*next);
}

Pulled Receiver::Impl::pass_silence() {
  passed_ += tick_;
  passed_silence_ += tick_;
  return {};
}

std::optional<Pulled> Receiver::Impl::pass_packet(const StoredPacket& packet) {
  if (packet.samples != tick_ || packet.stereo) return std::nullopt;
  const bool silent = packet.dtx;
  store_.copy_payload(packet, played_);
  stats_.delay = now_ - packet.arrival;
  pass_to(packet.sequence + 1);
  last_sound_ = now_;
  passed_ += tick_;
  passed_silence_ = 0;
  return Pulled{silent ? PulledKind::silence : PulledKind::decoded, &played_, false};
}

// One packet that is missing leaves a hole; a gap that was meant is silence.
std::optional<Pulled> Receiver::Impl::pass_hole(const StoredPacket& next) {
  const std::int64_t gap = next.timestamp - decoded_to_;
  const std::int64_t missing = next.sequence - next_;
  if (gap > 0 && (missing == 0 || after_dtx_)) {
    stop();
    return pass_silence();
  }
  if (missing != 1 || gap != static_cast<std::int64_t>(tick_) || packet_samples_ != gap) return std::nullopt;
  const bool rebuilt = next.fec_samples > 0;
  pass_to(next_ + 1);
  decoded_to_ += gap;
  if (rebuilt) ++stats_.fec;
  if (!rebuilt) stats_.concealed_samples += tick_;
  passed_ += tick_;
  passed_silence_ = 0;
  return Pulled{rebuilt ? PulledKind::fec : PulledKind::concealed, nullptr, true};
}

std::size_t Receiver::Impl::recall(std::span<float> out) {
  const std::size_t known = std::min(out.size(), passed_);
  const std::size_t silent = std::min(known, passed_silence_);
  std::fill(out.begin(), out.end(), 0.0F);
  if (known > silent) warm_up(out.last(known).first(known - silent));
  pcm_.replace_played(out.last(known));
  passed_ = passed_silence_ = 0;
  return known;
}

std::optional<float> Receiver::Impl::glance(FrameDecoder& eye) const {
  if (config_.codec != Codec::opus || !started_) return std::nullopt;
  std::int64_t first = next_;
  for (std::size_t due = 0; due < kGlanceMs * ms_;) {
    const StoredPacket* packet = store_.find(--first);
    if (packet == nullptr || packet->dtx) return std::nullopt;
    due += packet->samples;
  }
  std::array<float, kMaxPacketMs * kEyeMs> sound;
  std::size_t samples = 0;
  MediaPacket payload;
  eye.reset();
  for (; first < next_; ++first) {
    const StoredPacket& packet = *store_.find(first);
    store_.copy_payload(packet, payload);
    samples = packet.samples / ms_ * kEyeMs;
    if (eye.decode(payload.data(), std::span(sound).first(samples)) < 0) return std::nullopt;
  }
  const auto judged = std::span(sound).first(samples).last(std::min(samples, kJudgedMs * kEyeMs));
  return 20.0F * std::log10(std::max(rms_of(judged), 1e-6F));
}

}  // namespace parley::media
