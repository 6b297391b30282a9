#include "pipelines/media/receiver.hpp"

#include <algorithm>

#include "pipelines/media/opus_inspect.hpp"
#include "pipelines/media/receiver_impl.hpp"

namespace parley::media {
namespace {

constexpr std::size_t kHistoryMs = 25;
constexpr std::int64_t kMaxPacketMs = 120;  // RFC 6716 section 3.2.5; the same bound for G.711

}  // namespace

Receiver::Impl::Impl(const ReceiverConfig& config)
    : config_(config),
      rate_(rtp_clock_rate(config.codec)),
      tick_(static_cast<std::size_t>(config.tick / 1ms) * rate_ / 1'000),
      ms_(rate_ / 1'000),
      conceal_for_(std::max<std::size_t>(static_cast<std::size_t>(config.conceal_for / 1ms), 40) * ms_),
      timeline_(rate_),
      delays_(config.min_delay, std::max(config.min_delay, config.max_delay)),
      pcm_(kHistoryMs * ms_),
      stretcher_(rate_),
      packet_samples_(static_cast<std::int64_t>(20 * ms_)) {}

// What can be told of a packet before it is decoded; false for rubbish.
bool Receiver::Impl::describe(const MediaPacket& packet, StoredPacket& about) const {
  about.arrival = packet.arrival;
  about.rtp_timestamp = packet.timestamp;
  about.ssrc = packet.ssrc;
  about.rtp_sequence = packet.sequence;
  about.level = packet.level;
  about.voice = packet.voice;
  about.marker = packet.marker;
  if (config_.codec != Codec::opus) {
    about.samples = packet.size;
    return packet.size > 0 && packet.size <= kMaxPacketMs * static_cast<std::int64_t>(ms_);
  }
  if (packet.size == 0) {
    about.samples = static_cast<std::uint16_t>(packet_samples_);
    about.dtx = true;
    return true;
  }
  const OpusInfo info = inspect_opus(packet.data());
  if (!info.valid) return false;
  about.samples = static_cast<std::uint16_t>(samples_of(info.duration));
  about.dtx = info.dtx;
  about.stereo = info.stereo;
  if (info.has_fec) about.fec_samples = static_cast<std::uint16_t>(about.samples / info.frames);
  return true;
}

void Receiver::Impl::insert(const MediaPacket& packet) {
  ++stats_.received;
  StoredPacket about;
  if (packet.size > MediaPacket::kMaxPayload || !describe(packet, about)) {
    ++stats_.decode_errors;
    return;
  }
  const auto base = delays_.known() ? std::optional(delays_.base()) : std::nullopt;
  const auto placed = timeline_.place(packet, about.samples, base);
  if (placed.verdict == RtpTimeline::Verdict::stray) {
    ++stats_.late;
    return;
  }
  about.sequence = placed.sequence;
  about.timestamp = placed.timestamp;
  if (placed.verdict == RtpTimeline::Verdict::restarted) begin_stream(placed.sequence);
  if (placed.verdict == RtpTimeline::Verdict::rejoined) ++stats_.resets;
  if (seen_before(about.sequence)) {
    ++stats_.duplicates;
    return;
  }
  delays_.on_packet(packet.arrival, timeline_.media_time(about.timestamp));
  if (about.sequence < next_) {
    ++stats_.late;
    return;
  }
  store(about, packet.data());
}

// Another stream: what is stored belongs to the past.
void Receiver::Impl::begin_stream(std::int64_t sequence) {
  if (started_) {
    ++stats_.resets;
    delays_.restart();
    flush();
  }
  started_ = true;
  next_ = sequence;
  newest_ = sequence - 1;
  seen_ = 0;
}

// Nothing of what waits is played any more; what plays now ends in a seam.
void Receiver::Impl::flush() {
  seam_ = seam_ || playing_;
  playing_ = false;
  pcm_.clear_waiting();
  store_.clear();
  pre_roll_ = 0;
  debt_ = 0;
  after_dtx_ = false;
  warm_ = true;
  reset_decoder_ = true;
}

// Keeps book of the newest 64 sequence numbers, so that a duplicate is not taken for a late packet.
bool Receiver::Impl::seen_before(std::int64_t sequence) {
  const std::int64_t step = sequence - newest_;
  if (step > 0) {
    seen_ = step < 64 ? seen_ << step | 1 : 1;
    newest_ = sequence;
    return false;
  }
  if (step <= -64) return false;
  const std::uint64_t bit = std::uint64_t{1} << -step;
  const bool seen = (seen_ & bit) != 0;
  seen_ |= bit;
  return seen;
}

void Receiver::Impl::store(const StoredPacket& about, Bytes payload) {
  make_room(about.sequence);
  auto inserted = store_.insert(about, payload);
  while (inserted == PacketStore::Inserted::full && !store_.empty()) {
    // The oldest gives way: it is nearest to being too late.
    ++stats_.overflow;
    const std::int64_t oldest = store_.lowest();
    if (oldest >= next_) pass_to(oldest + 1);
    store_.erase(oldest);
    pre_roll_ = pre_roll_ > 0 ? pre_roll_ - 1 : 0;
    inserted = store_.insert(about, payload);
  }
}

void Receiver::Impl::make_room(std::int64_t sequence) {
  const std::int64_t lowest = sequence - PacketStore::kSlots + 1;
  if (next_ < lowest) {
    for (const StoredPacket* p = store_.first_from(next_); p != nullptr && p->sequence < lowest;
         p = store_.first_from(p->sequence + 1))
      ++stats_.overflow;
    pass_to(lowest);
    playing_ = false;
    pcm_.clear_waiting();
    seam_ = true;
  }
  while (!store_.empty() && store_.lowest() < lowest) {
    store_.erase(store_.lowest());
    --pre_roll_;
  }
}

// Everything below `sequence` passes unheard; the last few packets stay to warm the decoder.
void Receiver::Impl::pass_to(std::int64_t sequence) {
  std::int64_t present = 0;
  const StoredPacket* last = nullptr;
  for (const StoredPacket* p = store_.first_from(next_); p != nullptr && p->sequence < sequence;
       p = store_.first_from(p->sequence + 1)) {
    ++present;
    last = p;
    losses_.on_received(p->fec_samples > 0);
  }
  const std::int64_t missing = sequence - next_ - present;
  if (missing > 0) {
    stats_.lost += static_cast<std::uint64_t>(missing);
    losses_.on_lost(static_cast<std::size_t>(missing));
  }
  if (last != nullptr) {
    packet_samples_ = last->samples;
    after_dtx_ = last->dtx;
    decoded_to_ = last->end();
  }
  pre_roll_ += static_cast<std::size_t>(present);
  next_ = sequence;
  warm_ = false;
  trim_pre_roll();
}

// As pass_to(), for packets that are there but would be played too late.
void Receiver::Impl::leave_out_before(std::int64_t sequence) {
  for (const StoredPacket* p = store_.first_from(next_); p != nullptr && p->sequence < sequence;
       p = store_.first_from(p->sequence + 1)) {
    ++stats_.late;
    ++stats_.lost;
  }
  pass_to(sequence);
}

void Receiver::Impl::trim_pre_roll() {
  const std::int64_t oldest = decoded_to_ - static_cast<std::int64_t>(kPreRollMs * ms_);
  for (; pre_roll_ > 0; --pre_roll_) {
    const StoredPacket* packet = store_.find(store_.lowest());
    if (pre_roll_ <= kMostPreRoll && packet->end() > oldest) break;
    store_.erase(packet->sequence);
  }
}

bool Receiver::Impl::active() const {
  return playing_ || !pcm_.empty() || store_.size() > pre_roll_;
}

void Receiver::Impl::reset() {
  flush();
  timeline_.reset();
  delays_ = DelayManager(config_.min_delay, std::max(config_.min_delay, config_.max_delay));
  losses_ = {};
  started_ = false;
  store_.release();
}

ReceiverStats Receiver::Impl::stats() const {
  ReceiverStats stats = stats_;
  stats.target = wait(now_);
  stats.drift_ppm = delays_.drift_ppm();
  return stats;
}

Receiver::Receiver(const ReceiverConfig& config) : impl_(std::make_unique<Impl>(config)) {}
Receiver::~Receiver() = default;
std::uint32_t Receiver::output_rate() const {
  return impl_->rate();
}
std::size_t Receiver::samples_per_tick() const {
  return impl_->tick();
}
void Receiver::insert(const MediaPacket& packet) {
  impl_->insert(packet);
}
Pulled Receiver::pull(TimePoint at, std::span<float> out) {
  return impl_->pull(at, out);
}
void Receiver::skip(TimePoint at) {
  impl_->skip(at);
}
std::optional<Pulled> Receiver::pass(TimePoint at) {
  return impl_->pass(at);
}
std::size_t Receiver::recall(std::span<float> out) {
  return impl_->recall(out);
}
std::optional<float> Receiver::glance(FrameDecoder& eye) const {
  return impl_->glance(eye);
}
bool Receiver::active() const {
  return impl_->active();
}
void Receiver::reset() {
  impl_->reset();
}
ReceiverStats Receiver::stats() const {
  return impl_->stats();
}

}  // namespace parley::media
