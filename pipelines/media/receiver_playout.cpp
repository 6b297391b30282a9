// What each tick sounds like: packets, what stands in for them, and the seams between.
#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "pipelines/media/receiver_impl.hpp"
#include "pipelines/media/waveform.hpp"

namespace parley::media {
namespace {

constexpr std::size_t kFadeFromMs = 30;  // concealment is at full level until here
// A codec's concealment is hardly heard after 60 ms, if at all. Who has to bridge more goes on with the sound
// itself.
constexpr std::size_t kCodecMs = 80, kOwnFromMs = 20;
constexpr std::size_t kSeamMs = 5;
constexpr std::size_t kChunkMs = 20;   // concealed at once
constexpr std::size_t kMaxSeam = 240;  // kSeamMs at 48 kHz

float concealment_gain(std::size_t run, std::size_t from, std::size_t to) {
  const float t = (static_cast<float>(run) - static_cast<float>(from)) / static_cast<float>(to - from);
  return 0.5F + 0.5F * std::cos(std::numbers::pi_v<float> * std::clamp(t, 0.0F, 1.0F));
}

}  // namespace

void Receiver::Impl::note(PulledKind kind) {
  kind_ = std::max(kind_, kind);
}

FrameDecoder& Receiver::Impl::decoder() {
  if (!decoder_) {
    decoder_ = config_.codec == Codec::opus ? make_opus_decoder() : make_g711_decoder(config_.codec);
    reset_decoder_ = false;
  }
  if (reset_decoder_) decoder_->reset();
  reset_decoder_ = false;
  return *decoder_;
}

Pulled Receiver::Impl::pull(TimePoint at, std::span<float> out) {
  PARLEY_ASSERT(out.size() == tick_);
  note_time(at);
  passed_ = passed_silence_ = 0;
  kind_ = pcm_.empty() ? PulledKind::silence : waiting_kind_;
  pieces_ = 0;
  whole_packet_ = whole_hole_ = false;
  clean_ = pcm_.empty() && !seam_;
  if (playing_) jump_if_far_behind(at);
  if (!playing_ && !start(at) && pcm_.empty()) {
    silence(out);
    release_idle(at);
    return {};
  }
  last_sound_ = at;
  fill(at, tick_);
  if (playing_) adjust(at);
  pcm_.pop(out);
  const bool one_piece = clean_ && pieces_ == 1 && pcm_.empty();
  return {kind_, one_piece && whole_packet_ ? &played_ : nullptr, one_piece && whole_hole_};
}

void Receiver::Impl::fill(TimePoint at, std::size_t samples) {
  while (pcm_.size() < samples) {
    if (playing_ && step(at)) continue;
    clean_ = false;
    finish_with_silence(samples - pcm_.size());
  }
}

// Decodes or makes up the next piece. False: nothing more is to be heard for now.
bool Receiver::Impl::step(TimePoint at) {
  const StoredPacket* next = store_.first_from(next_);
  if (next == nullptr) {
    underrun();
    return playing_;
  }
  settle_debt(at, next);
  if (next->timestamp > decoded_to_) return bridge_gap(*next);
  if (next->end() <= decoded_to_) {  // its time is over
    leave_out_before(next->sequence + 1);
    return true;
  }
  decode(*next);
  return true;
}

// Nothing is there. The packet may be lost or only late, so no media time is spent yet.
void Receiver::Impl::underrun() {
  if (after_dtx_ || concealed_run_ >= conceal_for_) {
    seam_ = !after_dtx_;
    stop();
    return;
  }
  const std::size_t chunk = std::min(static_cast<std::size_t>(packet_samples_), kChunkMs * ms_);
  conceal(chunk);
  debt_ += static_cast<std::int64_t>(chunk);
}

// A packet has come after an underrun: what was made up meanwhile stands for what is missing before it; the
// rest has become delay, unless that is more than wanted and there is something newer to play.
void Receiver::Impl::settle_debt(TimePoint at, const StoredPacket*& next) {
  if (debt_ == 0) return;
  const std::int64_t covered = std::clamp<std::int64_t>(next->timestamp - decoded_to_, 0, debt_);
  decoded_to_ += covered;
  const std::int64_t grown = debt_ - covered;
  debt_ = 0;
  if (grown == 0) return;
  const std::int64_t ahead = latest_position(at, wait(at), next->timestamp, grid(*next)) - playing_position();
  const StoredPacket* newest = next;
  for (const StoredPacket* p = next; p != nullptr && p->timestamp - decoded_to_ <= ahead;
       p = store_.first_from(p->sequence + 1))
    newest = p;
  if (newest == next) return;
  const std::int64_t sequence = newest->sequence;
  const std::int64_t timestamp = newest->timestamp;
  leave_out_before(sequence);
  decoded_to_ = timestamp;
  seam_ = true;
  next = store_.find(sequence);
}

// Between what is decoded and the next packet there is a gap: silence that was meant (DTX), or loss.
bool Receiver::Impl::bridge_gap(const StoredPacket& next) {
  const std::int64_t gap = next.timestamp - decoded_to_;
  const std::int64_t missing = next.sequence - next_;
  const bool meant = missing == 0 || after_dtx_ || gap > missing * packet_samples_ + packet_samples_ / 2;
  if (meant || concealed_run_ >= conceal_for_) {
    seam_ = !meant;
    stop();
    return false;
  }
  if (next.fec_samples > 0 && gap <= next.fec_samples) {
    rebuild(next, gap);
    return true;
  }
  const std::int64_t unit = static_cast<std::int64_t>(ms_) * 5 / 2;  // codecs conceal in steps of 2.5 ms
  const std::int64_t without_fec = std::max<std::int64_t>(gap - next.fec_samples, unit);
  const std::int64_t chunk =
      std::min<std::int64_t>({without_fec, packet_samples_, static_cast<std::int64_t>(kChunkMs * ms_)});
  const std::int64_t whole = (chunk + unit - 1) / unit * unit;
  conceal(static_cast<std::size_t>(whole));
  decoded_to_ += whole;
  return true;
}

void Receiver::Impl::decode(const StoredPacket& packet) {
  warm_up();
  store_.copy_payload(packet, played_);
  const std::size_t before = pcm_.size();
  const std::int64_t overlap = std::clamp<std::int64_t>(decoded_to_ - packet.timestamp, 0, packet.samples);
  const auto room = pcm_.extend(packet.samples);
  if (decoder().decode(played_.data(), room) != packet.samples) {
    ++stats_.decode_errors;
    pcm_.shrink(packet.samples);
    for (std::size_t left = packet.samples; left > 0;) {
      const std::size_t chunk = std::min(left, kChunkMs * ms_);
      conceal(chunk);
      left -= chunk;
    }
  } else {
    if (overlap > 0) {
      pcm_.drop(before, static_cast<std::size_t>(overlap));
      seam_ = true;
    }
    if (concealed_run_ > kFadeFromMs * ms_) seam_ = true;
    joined(before, pcm_.waiting().subspan(before));
    note(packet.dtx ? PulledKind::silence : PulledKind::decoded);
    waiting_kind_ = packet.dtx ? PulledKind::silence : PulledKind::decoded;
    whole_packet_ = packet.samples == tick_ && !packet.stereo && config_.codec == Codec::opus && overlap == 0;
    concealed_run_ = 0;
  }
  ++pieces_;
  stats_.delay = now_ - packet.arrival + timeline_.media_time(static_cast<std::int64_t>(before) - overlap);
  if (const std::int64_t missing = packet.sequence - next_; missing > 0) {
    stats_.lost += static_cast<std::uint64_t>(missing);
    losses_.on_lost(static_cast<std::size_t>(missing));
  }
  losses_.on_received(packet.fec_samples > 0);
  decoded_to_ = packet.end();
  after_dtx_ = packet.dtx;
  packet_samples_ = packet.samples;
  next_ = decoder_next_ = packet.sequence + 1;
  store_.erase(packet.sequence);
}

// The gap before `next` from the in-band FEC it carries.
void Receiver::Impl::rebuild(const StoredPacket& next, std::int64_t gap) {
  warm_up();
  store_.copy_payload(next, played_);
  const std::size_t before = pcm_.size();
  const auto room = pcm_.extend(next.fec_samples);
  if (!decoder().decode_fec(played_.data(), room)) {
    ++stats_.decode_errors;
    pcm_.shrink(next.fec_samples);
    conceal(static_cast<std::size_t>(gap));
    decoded_to_ += gap;
    return;
  }
  if (gap < next.fec_samples) {
    pcm_.drop(before, static_cast<std::size_t>(next.fec_samples - gap));
    seam_ = true;
  }
  if (concealed_run_ > kFadeFromMs * ms_) seam_ = true;
  joined(before, pcm_.waiting().subspan(before));
  ++stats_.fec;
  ++pieces_;
  whole_hole_ = gap == static_cast<std::int64_t>(tick_) && packet_samples_ == gap;
  concealed_run_ = 0;
  decoded_to_ += gap;
  note(PulledKind::fec);
  waiting_kind_ = PulledKind::fec;
}

void Receiver::Impl::conceal(std::size_t samples) {
  warm_up();
  const std::size_t before = pcm_.size();
  const auto room = pcm_.extend(samples);
  decoder().conceal(room);
  const auto gain = [this](std::size_t run) {
    return concealment_gain(run, kFadeFromMs * ms_, conceal_for_);
  };
  if (conceal_for_ > kCodecMs * ms_) go_on_with_sound(before, room);
  for (std::size_t i = 0; i < room.size(); ++i) room[i] *= gain(concealed_run_ + i);
  joined(before, room);
  whole_hole_ =
      concealed_run_ == 0 && samples == tick_ && packet_samples_ == static_cast<std::int64_t>(tick_);
  concealed_run_ += samples;
  stats_.concealed_samples += samples;
  ++pieces_;
  note(PulledKind::concealed);
  waiting_kind_ = PulledKind::concealed;
}

// `room` is what the codec made up behind the first `before` samples. From kOwnFromMs on it gives way to the
// last sound that was real.
void Receiver::Impl::go_on_with_sound(std::size_t before, std::span<float> room) {
  if (concealed_run_ == 0) {
    const auto past = pcm_.all().first(pcm_.played().size() + before);
    last_sound_heard_.assign(past.begin(), past.end());
  }
  if (concealed_run_ < kOwnFromMs * ms_) return;
  std::array<float, kMaxSeam> codec;
  const bool first = concealed_run_ < 2 * kOwnFromMs * ms_;
  const auto seam = room.first(first ? std::min(room.size(), kSeamMs * ms_) : 0);
  std::copy(seam.begin(), seam.end(), codec.begin());
  extrapolate(last_sound_heard_, rate_, concealed_run_, room);
  crossfade(std::span(codec).first(seam.size()), seam);
}

// Decodes the pre-roll for the decoder's sake. A decoder that stood still while packets went by knows only
// what is wrong by now: it starts afresh. Nobody hears it, but `heard` gets the end of it.
void Receiver::Impl::warm_up(std::span<float> heard) {
  if (warm_) return;
  warm_ = true;
  const auto keep = [&](std::span<const float> sound) {
    const auto end = sound.last(std::min(sound.size(), heard.size()));
    std::copy(heard.begin() + static_cast<std::ptrdiff_t>(end.size()), heard.end(), heard.begin());
    std::copy(end.begin(), end.end(), heard.end() - static_cast<std::ptrdiff_t>(end.size()));
    pcm_.shrink(sound.size());
  };
  const auto conceal_one = [&](std::size_t samples) {
    const auto lost = pcm_.extend(std::min(samples, kChunkMs * ms_));
    decoder().conceal(lost);
    keep(lost);
  };
  const StoredPacket* packet = store_.empty() ? nullptr : store_.first_from(store_.lowest());
  if (packet != nullptr && packet->sequence > decoder_next_ + 1) reset_decoder_ = true;
  for (; packet != nullptr && packet->sequence < next_; packet = store_.first_from(packet->sequence + 1)) {
    if (packet->sequence == decoder_next_ + 1 && !reset_decoder_) conceal_one(packet->samples);
    store_.copy_payload(*packet, played_);
    const auto room = pcm_.extend(packet->samples);
    decoder().decode(played_.data(), room);
    keep(room);
    decoder_next_ = packet->sequence + 1;
  }
  if (decoder_next_ + 1 == next_ && !heard.empty()) conceal_one(tick_);
  store_.erase_below(next_);
  pre_roll_ = 0;
}

// Blends what was added behind `before` waiting samples with the continuation of what precedes it.
void Receiver::Impl::joined(std::size_t before, std::span<float> added) {
  if (!seam_ || added.empty()) return;
  seam_ = false;
  clean_ = false;
  std::array<float, kMaxSeam> bridge;
  const auto blend = std::span(bridge).first(std::min(kSeamMs * ms_, added.size()));
  const auto all = pcm_.all();
  extrapolate(all.first(pcm_.played().size() + before), rate_, 0, blend);
  crossfade(blend, added);
}

// Sound ends: its last period dies out, then silence.
void Receiver::Impl::finish_with_silence(std::size_t samples) {
  const std::size_t before = pcm_.played().size() + pcm_.size();
  const auto rest = pcm_.extend(samples);
  std::fill(rest.begin(), rest.end(), 0.0F);
  std::array<float, kMaxSeam> tail;
  const auto end = std::span(tail).first(std::min(kSeamMs * ms_, samples));
  extrapolate(pcm_.all().first(before), rate_, 0, end);
  crossfade(end, rest);
  if (config_.comfort_noise) noise_.add_to(rest);
}

void Receiver::Impl::silence(std::span<float> out) {
  std::fill(out.begin(), out.end(), 0.0F);
  if (config_.comfort_noise && decoder_) noise_.add_to(out);
  pcm_.replace_played(out);
}

}  // namespace parley::media
