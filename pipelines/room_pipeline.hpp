// The media plane of one room: a GStreamer pipeline without queues or streaming threads, driven by the tick
// (docs/design: the tick drives the graph). Packets of each leg go in; once per tick the legs that are heard
// are decoded, mixed (everybody but oneself), encoded once per mix class and handed to the FrameSink.
//
// Threads: everything but construction belongs to the room's mix thread. FrameSink and RoomObserver are
// called on that thread, inside tick(); they must not block. Units: gains in dB; times passed in; media_time
// counts 48 kHz samples since the room began.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "pipelines/media/receiver.hpp"
#include "transport/base/ids.hpp"
#include "transport/base/media_packet.hpp"
#include "transport/base/time.hpp"

namespace parley::pipelines {

// Once per process, before the first RoomPipeline: gst_init and registration of the plugin `parley`.
void init(int* argc = nullptr, char*** argv = nullptr);

enum class AutoLevel : std::uint8_t { off, client, server };

struct RoomMediaConfig {
  std::string name;
  Duration tick = 20ms;  // 10 or 20 ms
  int complexity = 7;    // Opus complexity at rest; the overload ladder lowers it
  int max_talkers = 8;   // 0: all
  AutoLevel auto_level = AutoLevel::client;
  bool comfort_noise = false;
  bool forward = true;  // serve listeners of one talker verbatim where that cannot be heard
  Duration jitter_min = 0ms;
  Duration jitter_max = 200ms;
  Duration alarm_delay = 150ms;  // talker-ticks delayed by more than this are counted
  // Read twice a tick to measure the room's work (the overload ladder, RoomStats::mix_work). Tests give their
  // own.
  TimePoint (*work_clock)() = &now;
};

// What a leg negotiated. Opus fmtp values are those of RFC 7587 section 6.1 as the peer stated them.
struct LegMedia {
  LegId id = LegId::none;
  Codec codec = Codec::opus;
  bool sends = true;              // we may get audio from it
  bool receives = true;           // it wants the mix
  bool has_levels = false;        // its packets carry RFC 6464 levels
  bool use_fec = true;            // fmtp useinbandfec=1 of the peer: it can use our FEC
  bool use_dtx = true;            // false: the peer asked for a continuous stream (usedtx=0 given explicitly)
  std::uint32_t max_bitrate = 0;  // maxaveragebitrate, 0: none stated
  // May the client apply a gain the server tells it (auto level `client`)?
  bool applies_gain = false;
  bool levelled = true;  // false: music and the like, whose loudness is its own affair
};

// A talker that is part of a frame: for the CSRC list and RFC 6465 levels.
struct Contributor {
  LegId leg = LegId::none;
  std::uint8_t level = 127;  // -dBov
};

// One packet for every leg of one mix class. Spans are valid during the call only.
struct OutboundFrame {
  Bytes payload;
  Codec codec = Codec::opus;
  std::uint64_t media_time = 0;    // 48 kHz samples: the frame's first sample
  bool marker = false;             // first packet after silence
  bool forwarded = false;          // verbatim from the one talker
  std::uint16_t holes_before = 0;  // sequence numbers to leave out before this packet (lost on the way in)
  std::span<const Contributor> contributors;  // loudest first, at most 15
  std::span<const LegId> legs;
};

class FrameSink {
 public:
  virtual ~FrameSink() = default;
  virtual void on_frame(const OutboundFrame& frame) noexcept = 0;
};

class RoomObserver {
 public:
  virtual ~RoomObserver() = default;
  // With hysteresis; level is the talker's smoothed level in -dBov.
  virtual void on_talking(LegId leg, bool talking, std::uint8_t level) noexcept = 0;
  // Auto level `client`: the gain in dB this client should apply before its encoder.
  virtual void on_gain_advice(LegId leg, float gain_db) noexcept = 0;
  // This talker's audio is delayed by more than alarm_delay: for a second or more of its ticks, and told at
  // most every 10 s.
  virtual void on_delay_alarm(LegId, Duration) noexcept {}
};

// Delay histogram: bucket i counts frames with a wait in [i, i+1) ms, the last one everything above.
struct DelayHistogram {
  std::array<std::uint64_t, 128> buckets{};
  void add(Duration wait);
  void add(const DelayHistogram& other);
  double quantile_ms(double q) const;
};

struct LegStats {
  media::ReceiverStats receiver;
  bool talking = false;
  std::uint8_t level = 127;
  std::uint64_t ticks_decoded = 0;
  std::uint64_t ticks_passed = 0;  // heard, but passed on undecoded
  std::uint64_t ticks_skipped = 0;
  float auto_gain_db = 0;
  double loudness_lufs = -70;  // short-term
  // From its packets' arrival to their playing: until they were due, and from then to the tick.
  DelayHistogram jitter_wait, tick_wait;
};

struct RoomStats {
  std::uint64_t ticks = 0;
  std::uint64_t decodes = 0;    // talker-ticks decoded
  std::uint64_t passes = 0;     // talker-ticks passed on undecoded
  std::uint64_t looks = 0;      // levels looked at: 60 ms of packets each
  std::uint64_t concealed = 0;  // talker-ticks with something made up for a missing packet
  std::uint64_t fec = 0;        // talker-ticks rebuilt from in-band FEC
  std::uint64_t alarms = 0;     // talker-ticks delayed by more than alarm_delay
  std::uint64_t encodes = 0;
  std::uint64_t forwards = 0;  // listener-ticks served verbatim
  std::uint64_t mixed = 0;     // listener-ticks served by an encoder
  std::uint64_t silent = 0;    // listener-ticks with nothing to hear
  std::uint64_t shed = 0;      // of these, those left out because the tick had no time left
  std::uint64_t encoder_clones = 0;
  std::uint64_t class_joins = 0;  // listeners that came back to the shared class
  std::size_t legs = 0;
  std::size_t talkers = 0;
  std::size_t classes = 0;
  int overload_step = 0;       // rung of the overload ladder, 0: none
  float limiter_gain_db = 0;   // deepest of the last tick
  DelayHistogram jitter_wait;  // of all talkers, as in LegStats
  DelayHistogram tick_wait;
  DelayHistogram mix_work;  // decode + mix + encode of a tick
};

class RoomPipeline {
 public:
  RoomPipeline(const RoomMediaConfig& config, FrameSink& sink, RoomObserver& observer);
  ~RoomPipeline();
  RoomPipeline(const RoomPipeline&) = delete;
  RoomPipeline& operator=(const RoomPipeline&) = delete;

  // Between ticks. A leg is unknown until added; calls that name an unknown leg do nothing.
  void add_leg(const LegMedia& leg);
  void remove_leg(LegId leg);
  void set_direction(LegId leg, bool sends, bool receives);
  void set_muted(LegId talker, bool muted);    // for everybody
  void set_gain(LegId talker, float gain_db);  // for everybody, -40 to +12
  // Personal mix: this listener's gain for this talker; nullopt restores unit gain, kMute silences.
  static constexpr float kMute = -1000.0F;
  void set_personal_gain(LegId listener, LegId talker, std::optional<float> gain_db);
  // Whisper: the talker is heard by these listeners only; empty restores everybody. Others of the room are
  // lowered by `duck_db` (<= 0) at those listeners while the talker whispers.
  void set_audience(LegId talker, std::vector<LegId> listeners, float duck_db);
  // Side group: legs of equal group hear each other only; 0 is the room itself.
  void set_group(LegId leg, std::uint32_t group);
  // Loss of what we send to this leg, 0 to 1, from its receiver reports: chooses the leg's profile tier.
  void set_downlink_loss(LegId leg, double fraction);

  void push(LegId leg, const MediaPacket& packet);

  // One step of the room. `at` is the tick's deadline. Two ticks are config.tick apart; after a late tick the
  // caller passes ticks it skipped in `skipped`, so that media time keeps pace with real time.
  void tick(TimePoint at, unsigned skipped = 0);

  // Work of all rooms of this mix thread in their last ticks. What the others need is not there for this one;
  // and a room that takes its share of the whole climbs the overload ladder by the whole.
  void set_thread_work(Duration work, std::size_t rooms);

  // Nobody sends and nobody receives: the caller need not tick.
  bool idle() const;

  RoomStats stats() const;
  int overload_rung() const;
  std::optional<LegStats> leg_stats(LegId leg) const;
  // Active speakers, loudest first.
  std::vector<LegId> active_speakers() const;
  // GraphViz source of the running graph. About 50 us per leg: not more than once a second.
  std::string dot() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace parley::pipelines
