#include "pipelines/media/opus_encoder.hpp"

#include <opus/opus.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "transport/base/check.hpp"

namespace parley::media {

namespace {

constexpr opus_int32 kSampleRate = 48'000;
constexpr auto kRingDown = 40ms;  // coded silence: the filters of both sides run dry
constexpr auto kRefresh = 400ms;  // a receiver like NetEQ conceals instead of falling silent without a packet
constexpr int kCeltDtx = 7;       // below this complexity libopus 1.3 has no DTX outside the voice mode
constexpr int kTakeOver = 2;      // packets with more bits than usual
constexpr int kVoiceComplexity = 5;  // above it the voice mode costs double for little

std::size_t state_size() {
  static const auto size = static_cast<std::size_t>(opus_encoder_get_size(1));
  return size;
}

std::span<const float> zeros(std::size_t count) {
  static constexpr std::array<float, 960> kZeros{};
  return std::span(kZeros).first(count);
}

bool all_zero(std::span<const float> pcm) {
  return std::all_of(pcm.begin(), pcm.end(), [](float sample) { return sample == 0.0F; });
}

// Low-delay CELT is poor below 24 kbit/s; there the voice mode serves a clean link too.
bool low_delay(const Profile& profile) {
  return profile.tier == Tier::clean && profile.bitrate > 24'000;
}

}  // namespace

ClassEncoder::ClassEncoder(Duration tick) : tick_(tick), state_(new std::byte[state_size()]) {}

void ClassEncoder::start(const Profile& profile, int complexity) {
  const int application = low_delay(profile) ? OPUS_APPLICATION_RESTRICTED_LOWDELAY : OPUS_APPLICATION_VOIP;
  const int result = opus_encoder_init(opus(), kSampleRate, 1, application);
  PARLEY_ASSERT(result == OPUS_OK);
  opus_encoder_ctl(opus(), OPUS_SET_BITRATE(static_cast<opus_int32>(profile.bitrate)));
  opus_encoder_ctl(opus(), OPUS_SET_DTX(profile.dtx ? 1 : 0));
  if (!low_delay(profile)) {
    opus_encoder_ctl(opus(), OPUS_SET_SIGNAL(OPUS_SIGNAL_VOICE));
    opus_encoder_ctl(opus(), OPUS_SET_INBAND_FEC(profile.fec ? 1 : 0));
    // Below 10 % libopus may choose to make no FEC at all.
    const int loss = profile.tier == Tier::very_lossy ? 25 : 10;
    opus_encoder_ctl(opus(), OPUS_SET_PACKET_LOSS_PERC(profile.fec ? loss : 0));
  }
  profile_ = profile;
  complexity_ = -1;
  set_complexity(complexity);
  zeros_for_ = since_packet_ = Duration::zero();
  quiet_ = false;
  taking_over_ = 0;
  last_ = {};
}

void ClassEncoder::clone(const ClassEncoder& other) {
  PARLEY_ASSERT(tick_ == other.tick_);
  std::memcpy(state_.get(), other.state_.get(), state_size());
  profile_ = other.profile_;
  complexity_ = other.complexity_;
  zeros_for_ = other.zeros_for_;
  since_packet_ = other.since_packet_;
  quiet_ = other.quiet_;
  taking_over_ = other.taking_over_;
  toc_ = other.toc_;
  last_ = {};
}

void ClassEncoder::set_complexity(int complexity) {
  if (!low_delay(profile_)) complexity = std::min(complexity, kVoiceComplexity);
  if (std::exchange(complexity_, complexity) == complexity) return;
  opus_encoder_ctl(opus(), OPUS_SET_COMPLEXITY(complexity));
}

bool ClassEncoder::celt() const {
  return low_delay(profile_);
}

Bytes ClassEncoder::code(std::span<const float> pcm) {
  if (all_zero(pcm)) return code_silence();
  zeros_for_ = Duration::zero();
  const int size = run(pcm);
  if (taking_over_ > 0) taken_over();
  const Bytes packet(packet_.data(), static_cast<std::size_t>(std::max(size, 0)));
  if (packet.size() <= 2 && profile_.dtx) return quiet(packet);
  quiet_ = false;
  return packet;
}

Bytes ClassEncoder::code_silence() {
  const Duration before = std::exchange(zeros_for_, zeros_for_ + tick_);
  if (!profile_.dtx || before < kRingDown) {
    const int size = run(zeros(static_cast<std::size_t>(tick_ * 48 / 1ms)));
    const Bytes packet(packet_.data(), static_cast<std::size_t>(std::max(size, 0)));
    if (packet.size() <= 2 && profile_.dtx) return quiet(packet);
    quiet_ = false;
    return packet;
  }
  if (before < kRingDown + tick_) return end_stream();
  packet_[0] = toc_;
  return quiet(Bytes(packet_).first(1));
}

// From a fresh start libopus codes zeros with the silence flag in CELT. The voice mode has no such flag:
// there the frame is written by hand, and the decoder that meets it starts its voice half anew with the next
// packet, as the encoder does.
Bytes ClassEncoder::end_stream() {
  opus_encoder_ctl(opus(), OPUS_RESET_STATE);
  quiet_ = false;
  if (celt()) {
    const int size = run(zeros(static_cast<std::size_t>(tick_ * 48 / 1ms)));
    return Bytes(packet_.data(), static_cast<std::size_t>(std::max(size, 0)));
  }
  packet_[0] = toc_ = tick_ == 20ms ? 0xF8 : 0xF0;  // CELT, full band, mono, one frame
  packet_[1] = 0xFF;
  packet_[2] = 0xFE;
  return Bytes(packet_).first(3);
}

void ClassEncoder::warm(std::span<const float> pcm) {
  run(pcm);
}

void ClassEncoder::take_over() {
  taking_over_ = kTakeOver;
  opus_encoder_ctl(opus(), OPUS_SET_PREDICTION_DISABLED(1));
  if (!profile_.capped)
    opus_encoder_ctl(opus(), OPUS_SET_BITRATE(static_cast<opus_int32>(profile_.bitrate * 3 / 2)));
}

void ClassEncoder::taken_over() {
  opus_encoder_ctl(opus(), OPUS_SET_PREDICTION_DISABLED(0));
  if (--taking_over_ == 0)
    opus_encoder_ctl(opus(), OPUS_SET_BITRATE(static_cast<opus_int32>(profile_.bitrate)));
}

int ClassEncoder::run(std::span<const float> pcm) {
  ++runs_;
  const int size = opus_encode_float(opus(), pcm.data(), static_cast<int>(pcm.size()), packet_.data(),
                                     static_cast<opus_int32>(packet_.size()));
  if (size > 0) toc_ = packet_[0] & 0xFC;  // one frame per packet: code 0
  return size;
}

Bytes ClassEncoder::quiet(Bytes packet) {
  const bool first = !std::exchange(quiet_, true);
  since_packet_ += tick_;
  if (!first && since_packet_ < kRefresh) return {};
  since_packet_ = Duration::zero();
  return packet;
}

}  // namespace parley::media
