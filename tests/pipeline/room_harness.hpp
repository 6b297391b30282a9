// A room in virtual time: synthetic legs that encode and send, a RoomPipeline that is ticked, and ears that
// decode what each leg would receive. A minute of call takes as long as its codecs need.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "pipelines/room_pipeline.hpp"

struct OpusEncoder;
struct OpusDecoder;

namespace parley::test {

// The Opus packets of a voice, coded once and sent in many rooms.
class Track {
 public:
  struct Options {
    bool voip = true;  // false: restricted low-delay
    int bitrate = 32'000;
    int complexity = 5;
    bool dtx = true;
    bool fec = false;
  };
  Track(std::vector<float> pcm, Duration ptime, const Options& options);
  const ByteBuffer& packet(std::uint64_t index);
  const std::vector<float>& pcm() const { return pcm_; }

 private:
  std::vector<float> pcm_;
  std::size_t samples_;
  std::size_t position_ = 0;
  std::shared_ptr<::OpusEncoder> encoder_;
  std::vector<ByteBuffer> packets_;
};

// What a leg says, and how its client sends it.
struct Voice {
  std::vector<float> pcm;        // 48 kHz, repeated for ever; empty: sends nothing
  std::shared_ptr<Track> track;  // instead of pcm
  bool voip = true;              // false: restricted low-delay
  int bitrate = 32'000;
  int complexity = 5;
  bool dtx = true;
  bool fec = false;
  Duration ptime{};      // 0: the room's tick
  Duration phase = 3ms;  // how long before a tick its packets arrive
  // Extra delay of the n-th packet on the network; nullopt: lost.
  std::function<std::optional<Duration>(std::uint64_t)> network;
};

struct HeardTick {
  std::uint16_t size = 0;  // 0: no packet in this tick
  bool marker = false;
  bool forwarded = false;
  std::uint16_t holes = 0;
  std::size_t shared_with = 0;  // legs that got the same packet
};

class Ear {
 public:
  std::vector<float> pcm;  // 48 kHz, 8 kHz for G.711: one tick per tick of the room since the leg was added
  std::vector<HeardTick> ticks;
  std::vector<pipelines::Contributor> contributors;  // of the last packet
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;
  bool keep_pcm = true;
  bool wants_decode = true;
  bool keep_packets = false;
  std::vector<ByteBuffer> kept;

  // Seconds [from, to) of what was heard; negative: counted from the end.
  std::span<const float> seconds(double from, double to) const;
  double rate() const { return rate_; }

 private:
  friend class RoomHarness;
  double rate_ = 48'000;
  Codec codec_ = Codec::opus;
  std::shared_ptr<::OpusDecoder> decoder_;
  std::optional<std::uint64_t> last_media_time_;
};

class RoomHarness : public pipelines::FrameSink, public pipelines::RoomObserver {
 public:
  explicit RoomHarness(pipelines::RoomMediaConfig config = {});

  pipelines::LegMedia opus_leg();  // a fresh id, sends and receives, no levels
  LegId add(const pipelines::LegMedia& media, Voice voice = {});
  LegId add(Voice voice) { return add(opus_leg(), std::move(voice)); }
  void remove(LegId leg);
  // From now on the leg says this (its encoder goes on).
  void say(LegId leg, std::vector<float> pcm);
  // From now on its packets claim this level, whatever they hold.
  void claim(LegId leg, std::uint8_t level) { senders_.at(leg).claim = level; }
  void run(Duration duration);

  pipelines::RoomPipeline& room() { return room_; }
  Ear& ear(LegId leg) { return ears_.at(leg); }
  TimePoint at() const { return at_; }
  Duration tick() const { return config_.tick; }
  std::size_t tick_samples() const { return static_cast<std::size_t>(config_.tick * 48 / 1ms); }

  struct Talking {
    LegId leg;
    bool talking;
    TimePoint at;
  };
  std::vector<Talking> talking;
  std::map<LegId, float> advice;
  std::vector<std::pair<LegId, Duration>> alarms;
  // Called after each tick.
  std::function<void()> after_tick;

  void on_frame(const pipelines::OutboundFrame& frame) noexcept override;
  void on_talking(LegId leg, bool is_talking, std::uint8_t level) noexcept override;
  void on_gain_advice(LegId leg, float gain_db) noexcept override;
  void on_delay_alarm(LegId leg, Duration delay) noexcept override;

 private:
  struct Sender {
    pipelines::LegMedia media;
    Voice voice;
    std::shared_ptr<::OpusEncoder> encoder;
    std::size_t position = 0;
    std::uint64_t packets = 0;
    TimePoint next{};
    std::multimap<TimePoint, MediaPacket> on_the_way;
    bool was_dtx = true;
    std::optional<std::uint8_t> claim{};
  };
  void send(LegId leg, Sender& sender);
  void hear_nothing(Ear& ear);

  pipelines::RoomMediaConfig config_;
  pipelines::RoomPipeline room_;
  TimePoint at_{1h};
  std::uint32_t last_id_ = 0;
  std::map<LegId, Sender> senders_;
  std::map<LegId, Ear> ears_;
};

}  // namespace parley::test
