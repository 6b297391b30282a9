#include "pipelines/media/leg_evidence.hpp"

#include <algorithm>
#include <cmath>

#include "pipelines/media/g711_level.hpp"
#include "pipelines/media/opus_inspect.hpp"

namespace parley::media {

namespace {

constexpr float kAudible = -50.0F;        // what is louder than this is worth hearing
constexpr float kVoicedAudible = -55.0F;  // with the RFC 6464 voice flag a little less is
// Steady noise up to here is no voice: one must stand out of it. Louder sound is worth hearing, steady or
// not.
constexpr float kLoudestNoise = -44.0F;
constexpr float kAboveNoise = 6.0F;
constexpr float kQuietestNoise = -70.0F;
constexpr float kNoiseRise = 2.0F;     // dB per second
constexpr float kUnderstated = 10.0F;  // dB above all that was claimed: such levels are broken
constexpr float kTrustedRise = 6.0F;   // dB by which a leg may claim to be louder than when it was last heard
constexpr int kLongHangOver = 5;       // hang-overs, for a leg whose onset no packet tells
constexpr Duration kGap = 200ms;       // a longer pause between packets is DTX
constexpr Duration kFresh = 60ms;
constexpr Duration kSpeaking = 40ms;
constexpr int kRarestLook = 160;  // look intervals
constexpr Duration kLookGrace = 100ms;

// First-order smoothing in dB; a rise from far below starts near its goal.
float toward(float from, float to, Duration span, Duration rise, Duration fall) {
  const Duration tau = to > from ? rise : fall;
  const float start = std::max(from, to - 20.0F);
  const auto share = static_cast<float>(span.count()) / static_cast<float>((span + tau).count());
  return start + (to - start) * share;
}

float toward_loudness(float from, float to, Duration span) {
  return toward(from, to, span, 100ms, 2s);
}

}  // namespace

// Multiples of the golden ratio spread the first looks of consecutive legs evenly, so that a crowd that joins
// at once is not decoded at once.
LegEvidence::LegEvidence(LegId leg, Codec codec, bool has_levels, const TalkerConfig& config)
    : config_(&config),
      codec_(codec),
      has_levels_(has_levels),
      trust_(config.false_claim),
      noise_(kQuietestNoise),
      rare_look_(8 + static_cast<int>(raw(leg) % 5)) {
  const std::int64_t share = (raw(leg) * 2'654'435'769U) >> 16;
  const Duration spread = config.look_interval * (has_levels ? rare_look_ : 1);
  look_phase_ = Duration(spread.count() / 65'536 * share);
}

void LegEvidence::on_packet(const MediaPacket& packet, bool is_talker) {
  const TimePoint at = packet.arrival;
  if (at - last_packet_ > kGap) sounding_ = 0;
  last_packet_ = at;
  const Voice voice = judge(packet);
  if (voice == Voice::none) trust_.no_claim();
  if (voice == Voice::proven) trust_.prove();
  if (voice == Voice::proven || (voice == Voice::claimed && trust_.claim(at))) {
    last_told_ = at;
    hold(at + config_->hang_over);
  }
  schedule_look(at, is_talker);
}

LegEvidence::Voice LegEvidence::judge(const MediaPacket& packet) {
  return codec_ == Codec::opus ? judge_opus(packet) : judge_g711(packet);
}

LegEvidence::Voice LegEvidence::judge_g711(const MediaPacket& packet) {
  const float dbfs = g711_level_dbfs(codec_, packet.data());
  packet_duration_ = std::clamp<Duration>(packet.size * 125us, 10ms, 120ms);
  follow(dbfs, packet_duration_);
  if (!playing(packet.arrival)) show(dbfs, packet_duration_);
  return dbfs > audible() ? Voice::proven : Voice::none;
}

LegEvidence::Voice LegEvidence::judge_opus(const MediaPacket& packet) {
  const OpusInfo info = inspect_opus(packet.data());
  if (!info.valid || info.dtx) {
    sounding_ = 0;
    return Voice::none;
  }
  ++sounding_;
  packet_duration_ = info.duration;
  const bool levels = levels_count() && packet.level != MediaPacket::kNoLevel;
  const Voice claim = levels                        ? judge_level(packet)
                      : info.voice == VoiceBit::set ? Voice::claimed
                                                    : Voice::none;
  if (info.mode != OpusMode::celt) return claim;
  sounding_ = 0;  // in no need of a look
  return levels && levels_proven_ && !trust_.lost() ? claim : judge_celt(packet, claim);
}

LegEvidence::Voice LegEvidence::judge_level(const MediaPacket& packet) {
  const float dbfs = -static_cast<float>(packet.level & 0x7f);
  claim_peak_ = std::max(claim_peak_, dbfs);
  learn_noise(dbfs, packet_duration_);
  if (dbfs <= (packet.voice ? kVoicedAudible : audible())) return Voice::none;
  claimed_ = toward_loudness(claimed_, dbfs, packet_duration_);
  if (!playing(packet.arrival)) show(dbfs, packet_duration_);
  return Voice::claimed;
}

LegEvidence::Voice LegEvidence::judge_celt(const MediaPacket& packet, Voice claim) {
  const float dbfs = celt_.read(packet.data());
  follow(dbfs, packet_duration_);
  if (!playing(packet.arrival)) show(dbfs, packet_duration_);
  if (dbfs <= (claim == Voice::claimed ? kVoicedAudible : audible())) return Voice::none;
  levels_proven_ |= claim == Voice::claimed;
  return Voice::proven;
}

void LegEvidence::hold(TimePoint until) {
  voice_until_ = std::max(voice_until_, until);
}

// What is being played tells and shows, where it is known: packets are ahead of it.
bool LegEvidence::playing(TimePoint at) const {
  return at - last_decoded_ < kFresh;
}

bool LegEvidence::speaking(TimePoint at) const {
  if (playing(at)) return at - last_heard_ < kSpeaking;
  return at - last_told_ < std::max(kSpeaking, packet_duration_ + 20ms);
}

void LegEvidence::learn_noise(float dbfs, Duration span) {
  const float risen = noise_ + kNoiseRise * static_cast<float>(to_seconds(span));
  noise_ = std::max(kQuietestNoise, std::min(dbfs, risen));
}

float LegEvidence::audible() const {
  return std::clamp(noise_ + kAboveNoise, kAudible, kLoudestNoise);
}

// A pause is no loss of loudness: the hang-over tells when a talker has ended.
void LegEvidence::follow(float dbfs, Duration span) {
  learn_noise(dbfs, span);
  if (dbfs > kAudible) heard_ = toward_loudness(heard_, dbfs, span);
}

void LegEvidence::show(float dbfs, Duration span) {
  shown_ = toward(shown_, dbfs, span, 20ms, 200ms);
}

void LegEvidence::on_decoded(Decoded decoded) {
  decoded.dbfs = std::isnan(decoded.dbfs) ? kUnknown : std::clamp(decoded.dbfs, kUnknown, 20.0F);
  if (decoded.listening == Listening::look) return on_looked(decoded);
  if (decoded.listening != Listening::talker) return;

  last_decoded_ = decoded.at;
  follow(decoded.dbfs, decoded.tick);
  show(decoded.dbfs, decoded.tick);
  if (!trust_.decoded(decoded.at - decoded.delay, decoded.tick, decoded.dbfs < config_->silence_dbfs)) {
    voice_until_ = decoded.at;
    return;
  }
  const bool told = decoded.at - last_told_ < 1s;
  if (decoded.dbfs <= (told ? kVoicedAudible : audible())) return;
  levels_proven_ |= told && levels_count() && claimed_ != kUnknown;
  last_heard_ = decoded.at;
  hold(decoded.at + (told ? 1 : kLongHangOver) * config_->hang_over);
}

// Looks are for legs whose packets prove nothing: Opus without a believed level or a set voice bit. A rare
// look guards against levels that were never seen to be right, and tells the loudness of a voice without a
// level that waits for a place. A single packet between DTX is a refresh of the background and not worth one.
void LegEvidence::schedule_look(TimePoint at, bool is_talker) {
  if (next_look_ == TimePoint{}) next_look_ = at + look_phase_;
  if (look_due_ && at >= look_deadline_) end_look();
  if (is_talker || look_due_ || sounding_ < 2 || at < next_look_) return;
  const bool levels = levels_count() && !trust_.lost();
  const bool waiting = voiced(at);
  if (levels && (levels_proven_ || waiting)) return;
  const Duration interval = config_->look_interval * (levels || waiting ? rare_look_ : 1);
  next_look_ += interval * ((at - next_look_) / interval + 1);
  if (levels) rare_look_ = std::min(2 * rare_look_, kRarestLook);
  look_due_ = true;
  look_deadline_ = at + 3 * packet_duration_ + kLookGrace;
}

void LegEvidence::on_looked(const Decoded& decoded) {
  if (!look_due_) return;
  judge_look(decoded.at, decoded.dbfs);
  end_look();
}

void LegEvidence::judge_look(TimePoint at, float dbfs) {
  if (dbfs <= audible()) return;
  heard_ = toward_loudness(heard_, dbfs, 1s);
  if (levels_count() && !trust_.lost()) {
    if (dbfs < std::max(claim_peak_, earlier_claim_peak_) + kUnderstated) return;
    understates_ = true;
  }
  trust_.prove();
  last_heard_ = at;
  hold(at + kLongHangOver * config_->hang_over);
}

void LegEvidence::end_look() {
  look_due_ = false;
  earlier_claim_peak_ = claim_peak_;
  claim_peak_ = kUnknown;
}

float LegEvidence::loudness() const {
  if (playing(last_packet_) || claimed_ == kUnknown) return heard_;
  return heard_ == kUnknown ? claimed_ : std::min(claimed_, heard_ + kTrustedRise);
}

std::uint8_t LegEvidence::level() const {
  return static_cast<std::uint8_t>(std::clamp(std::lround(-shown_), 0L, 127L));
}

}  // namespace parley::media
