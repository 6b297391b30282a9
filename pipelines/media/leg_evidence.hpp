// What is known of one leg's voice: from its packets, as they arrive, and from what was decoded of them.
//
// Voice is told, in this order, by the energy of a G.711 payload, by an RFC 6464 level, by an Opus voice bit
// (each of the last two only while it is believed: ClaimTrust), and by a sparse look, in which a few
// consecutive packets are decoded and the last is judged.
//
// Threads: the room's mix thread. Time is an argument. Levels are RMS in dBFS. No allocation.
#pragma once

#include <cstdint>

#include "pipelines/media/celt_level.hpp"
#include "pipelines/media/claim_trust.hpp"
#include "pipelines/media/talker_selector.hpp"

namespace parley::media {

class LegEvidence {
 public:
  LegEvidence(LegId leg, Codec codec, bool has_levels, const TalkerConfig& config);

  void on_packet(const MediaPacket& packet, bool is_talker);

  struct Decoded {
    TimePoint at;    // of the tick
    Duration tick;   // how much of it
    Duration delay;  // how long ago it arrived
    float dbfs;
    Listening listening;  // what the leg was decoded as
  };
  void on_decoded(Decoded decoded);

  // Worth being a talker at this time, hang-over included; and without it.
  bool voiced(TimePoint at) const { return at < voice_until_; }
  bool speaking(TimePoint at) const;
  // The packets themselves tell that the leg speaks, and are believed.
  bool told(TimePoint at) const { return at - last_told_ < packet_duration_ + kJustTold; }
  void end_spurt() { trust_.end_spurt(); }

  // A look is to be taken at this time. It ends when enough was decoded, or when nobody decodes it.
  bool look_due(TimePoint at) const { return look_due_ && at < look_deadline_; }

  float loudness() const;      // slow: the order of talkers
  std::uint8_t level() const;  // fast, -dBov: the level shown

 private:
  static constexpr float kUnknown = -127.0F;
  static constexpr Duration kJustTold = 60ms;
  enum class Voice : std::uint8_t { none, claimed, proven };

  Voice judge(const MediaPacket& packet);
  Voice judge_g711(const MediaPacket& packet);
  Voice judge_opus(const MediaPacket& packet);
  Voice judge_level(const MediaPacket& packet);
  Voice judge_celt(const MediaPacket& packet, Voice claim);
  void hold(TimePoint until);
  bool playing(TimePoint at) const;
  void follow(float dbfs, Duration span);
  void show(float dbfs, Duration span);
  void learn_noise(float dbfs, Duration span);
  float audible() const;
  void schedule_look(TimePoint at, bool is_talker);
  void on_looked(const Decoded& decoded);
  void judge_look(TimePoint at, float dbfs);
  void end_look();
  bool levels_count() const { return has_levels_ && !understates_; }

  const TalkerConfig* config_;
  Codec codec_;
  bool has_levels_;
  ClaimTrust trust_;
  CeltLevel celt_;

  TimePoint voice_until_{};
  TimePoint last_heard_{};  // decoded and audible
  TimePoint last_told_{};   // a packet told of voice, and was believed
  TimePoint last_packet_{};
  TimePoint last_decoded_{};
  Duration packet_duration_ = 20ms;
  int sounding_ = 0;  // packets in sequence that were more than DTX

  float claimed_ = kUnknown;  // loudness by the leg's levels
  float heard_ = kUnknown;    // loudness by decoding, or by packets that cannot lie
  float shown_ = kUnknown;
  float noise_;  // the leg's background: follows the quietest, rises slowly

  int rare_look_;  // in look intervals
  Duration look_phase_;
  TimePoint next_look_{};
  TimePoint look_deadline_{};
  bool look_due_ = false;
  // The loudest level claimed since the last look, and between the two before.
  float claim_peak_ = kUnknown;
  float earlier_claim_peak_ = kUnknown;
  bool levels_proven_ = false;  // a level that claimed voice was seen to be right
  bool understates_ = false;    // its levels denied what was decoded: they count no more
};

}  // namespace parley::media
