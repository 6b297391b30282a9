#include "tests/pipeline/room_harness.hpp"

#include <opus/opus.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "transport/base/check.hpp"

namespace parley::test {

namespace {

pipelines::RoomMediaConfig started(pipelines::RoomMediaConfig config) {
  pipelines::init();
  if (config.name.empty()) config.name = "test";
  // A slow machine (or a sanitizer) must not make the room save work: its own work takes no virtual time.
  if (config.work_clock == &now) config.work_clock = [] { return TimePoint{}; };
  return config;
}

// ITU-T G.711, by the textbook: sign, segment, four bits.
std::uint8_t mu_law(float sample) {
  int value = static_cast<int>(std::lrint(std::clamp(sample, -1.0F, 1.0F) * 32'635.0F));
  const int sign = value < 0 ? 0x80 : 0;
  value = std::abs(value) + 132;
  int segment = 7;
  while (segment > 0 && value < (1 << (segment + 7))) --segment;
  return static_cast<std::uint8_t>(~(sign | (segment << 4) | ((value >> (segment + 3)) & 0x0F)));
}

float mu_law_sample(std::uint8_t code) {
  code = static_cast<std::uint8_t>(~code);
  const int value = ((((code & 0x0F) << 3) + 132) << ((code & 0x70) >> 4)) - 132;
  return static_cast<float>((code & 0x80) != 0 ? -value : value) / 32'768.0F;
}

std::uint8_t a_law(float sample) {
  int value = static_cast<int>(std::lrint(std::clamp(sample, -1.0F, 1.0F) * 32'767.0F)) >> 3;
  const int mask = value >= 0 ? 0xD5 : 0x55;
  if (value < 0) value = -value - 1;
  int segment = 0;
  while (segment < 8 && value > (0x20 << segment) - 1) ++segment;
  if (segment >= 8) return static_cast<std::uint8_t>(0x7F ^ mask);
  const int low = segment < 2 ? (value >> 1) & 0x0F : (value >> segment) & 0x0F;
  return static_cast<std::uint8_t>(((segment << 4) | low) ^ mask);
}

float a_law_sample(std::uint8_t code) {
  code ^= 0x55;
  int value = (code & 0x0F) << 4;
  const int segment = (code & 0x70) >> 4;
  if (segment == 0) {
    value += 8;
  } else {
    value = (value + 0x108) << (segment - 1);
  }
  return static_cast<float>((code & 0x80) != 0 ? value : -value) / 32'768.0F;
}

}  // namespace

Track::Track(std::vector<float> pcm, Duration ptime, const Options& options)
    : pcm_(std::move(pcm)), samples_(static_cast<std::size_t>(ptime * 48 / 1ms)) {
  int error = 0;
  const int application = options.voip ? OPUS_APPLICATION_VOIP : OPUS_APPLICATION_RESTRICTED_LOWDELAY;
  encoder_.reset(opus_encoder_create(48'000, 1, application, &error), opus_encoder_destroy);
  opus_encoder_ctl(encoder_.get(), OPUS_SET_BITRATE(options.bitrate));
  opus_encoder_ctl(encoder_.get(), OPUS_SET_COMPLEXITY(options.complexity));
  opus_encoder_ctl(encoder_.get(), OPUS_SET_DTX(options.dtx ? 1 : 0));
  opus_encoder_ctl(encoder_.get(), OPUS_SET_INBAND_FEC(options.fec ? 1 : 0));
  opus_encoder_ctl(encoder_.get(), OPUS_SET_PACKET_LOSS_PERC(options.fec ? 10 : 0));
}

const ByteBuffer& Track::packet(std::uint64_t index) {
  while (packets_.size() <= index) {
    std::vector<float> frame(samples_);
    for (float& sample : frame) {
      sample = pcm_[position_];
      position_ = (position_ + 1) % pcm_.size();
    }
    ByteBuffer packet(1'275);
    const int size =
        opus_encode_float(encoder_.get(), frame.data(), static_cast<int>(samples_), packet.data(), 1'275);
    PARLEY_ASSERT(size > 0);
    packet.resize(static_cast<std::size_t>(size));
    packets_.push_back(std::move(packet));
  }
  return packets_[index];
}

std::span<const float> Ear::seconds(double from, double to) const {
  const auto sample = [&](double second) {
    const double end = static_cast<double>(pcm.size());
    return static_cast<std::size_t>(std::clamp(second < 0 ? end + second * rate_ : second * rate_, 0.0, end));
  };
  const std::size_t first = sample(from);
  const std::size_t last = to == 0 ? pcm.size() : sample(to);
  return std::span(pcm).subspan(first, std::max(first, last) - first);
}

RoomHarness::RoomHarness(pipelines::RoomMediaConfig config)
    : config_(started(std::move(config))), room_(config_, *this, *this) {}

pipelines::LegMedia RoomHarness::opus_leg() {
  pipelines::LegMedia media;
  media.id = static_cast<LegId>(++last_id_);
  return media;
}

LegId RoomHarness::add(const pipelines::LegMedia& media, Voice voice) {
  Sender sender;
  sender.media = media;
  sender.voice = std::move(voice);
  if (sender.voice.ptime == Duration::zero()) sender.voice.ptime = config_.tick;
  sender.next = at_ + sender.voice.ptime - sender.voice.phase;
  if (media.codec == Codec::opus) {
    int error = 0;
    const int application = sender.voice.voip ? OPUS_APPLICATION_VOIP : OPUS_APPLICATION_RESTRICTED_LOWDELAY;
    sender.encoder.reset(opus_encoder_create(48'000, 1, application, &error), opus_encoder_destroy);
    opus_encoder_ctl(sender.encoder.get(), OPUS_SET_BITRATE(sender.voice.bitrate));
    opus_encoder_ctl(sender.encoder.get(), OPUS_SET_COMPLEXITY(sender.voice.complexity));
    opus_encoder_ctl(sender.encoder.get(), OPUS_SET_DTX(sender.voice.dtx ? 1 : 0));
    opus_encoder_ctl(sender.encoder.get(), OPUS_SET_INBAND_FEC(sender.voice.fec ? 1 : 0));
    opus_encoder_ctl(sender.encoder.get(), OPUS_SET_PACKET_LOSS_PERC(sender.voice.fec ? 10 : 0));
  }
  Ear ear;
  ear.codec_ = media.codec;
  ear.rate_ = media.codec == Codec::opus ? 48'000 : 8'000;
  if (media.codec == Codec::opus) {
    int error = 0;
    ear.decoder_.reset(opus_decoder_create(48'000, 1, &error), opus_decoder_destroy);
  }
  senders_[media.id] = std::move(sender);
  ears_[media.id] = std::move(ear);
  room_.add_leg(media);
  return media.id;
}

void RoomHarness::remove(LegId leg) {
  room_.remove_leg(leg);
  senders_.erase(leg);
}

void RoomHarness::say(LegId leg, std::vector<float> pcm) {
  Sender& sender = senders_.at(leg);
  sender.voice.pcm = std::move(pcm);
  sender.position = 0;
}

void RoomHarness::send(LegId leg, Sender& sender) {
  const Voice& voice = sender.voice;
  const auto samples = static_cast<std::size_t>(voice.ptime * 48 / 1ms);
  const std::vector<float>& said = voice.track ? voice.track->pcm() : voice.pcm;
  std::vector<float> pcm(samples);
  for (float& sample : pcm) {
    sample = said[sender.position];
    sender.position = (sender.position + 1) % said.size();
  }
  const std::uint64_t index = sender.packets++;
  MediaPacket packet;
  packet.ssrc = 1'000 + raw(leg);
  packet.sequence = static_cast<std::uint16_t>(index + 65'000);
  const std::uint32_t rate = rtp_clock_rate(sender.media.codec);
  packet.timestamp = static_cast<std::uint32_t>(0xFFFF'0000U + index * (samples * rate / 48'000));
  if (voice.track) {
    packet.assign(voice.track->packet(index));
  } else if (sender.media.codec == Codec::opus) {
    const int size = opus_encode_float(sender.encoder.get(), pcm.data(), static_cast<int>(samples),
                                       packet.payload.data(), 1'275);
    PARLEY_ASSERT(size > 0);
    packet.size = static_cast<std::uint16_t>(size);
  } else {
    packet.size = static_cast<std::uint16_t>(samples / 6);
    for (std::size_t i = 0; i < packet.size; ++i) {
      packet.payload[i] = sender.media.codec == Codec::pcmu ? mu_law(pcm[6 * i]) : a_law(pcm[6 * i]);
    }
  }
  packet.marker = std::exchange(sender.was_dtx, packet.size <= 2) && packet.size > 2;
  if (sender.media.has_levels) {
    double sum = 1e-14;
    for (const float sample : pcm) sum += static_cast<double>(sample) * sample;
    const double db = 10 * std::log10(sum / static_cast<double>(samples));
    packet.level = sender.claim.value_or(static_cast<std::uint8_t>(std::clamp(std::lround(-db), 0L, 127L)));
    packet.voice = packet.level < 50;
  }
  const std::optional<Duration> delay = voice.network ? voice.network(index) : Duration::zero();
  if (!delay) return;
  packet.arrival = sender.next + *delay;
  sender.on_the_way.emplace(packet.arrival, packet);
}

void RoomHarness::run(Duration duration) {
  const TimePoint end = at_ + duration;
  while (at_ < end) {
    at_ += config_.tick;
    for (auto& [leg, sender] : senders_) {
      while (sender.next <= at_) {
        if (sender.voice.track || !sender.voice.pcm.empty()) send(leg, sender);
        sender.next += sender.voice.ptime;
      }
      while (!sender.on_the_way.empty() && sender.on_the_way.begin()->first <= at_) {
        room_.push(leg, sender.on_the_way.begin()->second);
        sender.on_the_way.erase(sender.on_the_way.begin());
      }
    }
    for (auto& [leg, sender] : senders_) ears_.at(leg).ticks.emplace_back();
    room_.tick(at_);
    for (auto& [leg, sender] : senders_) {
      if (ears_.at(leg).ticks.back().size == 0) hear_nothing(ears_.at(leg));
    }
    if (after_tick) after_tick();
  }
}

void RoomHarness::on_frame(const pipelines::OutboundFrame& frame) noexcept {
  for (const LegId leg : frame.legs) {
    Ear& ear = ears_.at(leg);
    PARLEY_ASSERT(frame.codec == ear.codec_);
    PARLEY_ASSERT(ear.last_media_time_ != frame.media_time);
    ear.last_media_time_ = frame.media_time;
    ++ear.packets;
    ear.bytes += frame.payload.size();
    ear.contributors.assign(frame.contributors.begin(), frame.contributors.end());
    if (ear.keep_packets) ear.kept.emplace_back(frame.payload.begin(), frame.payload.end());
    if (ear.ticks.empty()) continue;
    ear.ticks.back() = {static_cast<std::uint16_t>(frame.payload.size()), frame.marker, frame.forwarded,
                        frame.holes_before, frame.legs.size()};
    if (!ear.wants_decode) continue;
    std::vector<float> pcm(tick_samples());
    if (ear.codec_ == Codec::opus) {
      const int samples = opus_decode_float(ear.decoder_.get(), frame.payload.data(),
                                            static_cast<opus_int32>(frame.payload.size()), pcm.data(),
                                            static_cast<int>(pcm.size()), 0);
      PARLEY_ASSERT(samples == static_cast<int>(pcm.size()));
    } else {
      pcm.resize(frame.payload.size());
      std::transform(frame.payload.begin(), frame.payload.end(), pcm.begin(),
                     ear.codec_ == Codec::pcmu ? mu_law_sample : a_law_sample);
    }
    ear.pcm.insert(ear.pcm.end(), pcm.begin(), pcm.end());
  }
}

// Between two packets of a DTX stream a decoder runs on its own, as it does for a lost packet.
void RoomHarness::hear_nothing(Ear& ear) {
  if (!ear.wants_decode) return;
  std::vector<float> pcm(tick_samples());
  if (ear.codec_ == Codec::opus && ear.packets > 0) {
    const auto wanted = static_cast<int>(pcm.size());
    const int samples = opus_decode_float(ear.decoder_.get(), nullptr, 0, pcm.data(), wanted, 0);
    PARLEY_ASSERT(samples == wanted);
  }
  if (ear.codec_ != Codec::opus) pcm.resize(pcm.size() / 6);
  ear.pcm.insert(ear.pcm.end(), pcm.begin(), pcm.end());
}

void RoomHarness::on_talking(LegId leg, bool is_talking, std::uint8_t) noexcept {
  talking.push_back({leg, is_talking, at_});
}

void RoomHarness::on_gain_advice(LegId leg, float gain_db) noexcept {
  advice[leg] = gain_db;
}

void RoomHarness::on_delay_alarm(LegId leg, Duration delay) noexcept {
  alarms.emplace_back(leg, delay);
}

}  // namespace parley::test
