// The inside of the Receiver. What it keeps in step are three positions on the internal time line: what has
// been decoded (`decoded_to_`), what plays now (that minus the samples that wait), and where the delay
// manager says that playing should be.
//
// "Packet grid": with packets and ticks of the same length the delay can only be sensible in whole packets
// behind the phase between arrival and tick (anything between only costs delay), so positions are compared on
// the grid of the packets' starts: latest_position().
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "pipelines/media/comfort_noise.hpp"
#include "pipelines/media/delay_manager.hpp"
#include "pipelines/media/frame_decoder.hpp"
#include "pipelines/media/loss_meter.hpp"
#include "pipelines/media/packet_store.hpp"
#include "pipelines/media/pcm_fifo.hpp"
#include "pipelines/media/receiver.hpp"
#include "pipelines/media/rtp_timeline.hpp"
#include "pipelines/media/time_stretcher.hpp"
#include "transport/base/check.hpp"

namespace parley::media {

class Receiver::Impl {
 public:
  explicit Impl(const ReceiverConfig& config);

  std::uint32_t rate() const { return rate_; }
  std::size_t tick() const { return tick_; }
  void insert(const MediaPacket& packet);
  Pulled pull(TimePoint at, std::span<float> out);
  void skip(TimePoint at);
  std::optional<Pulled> pass(TimePoint at);
  std::size_t recall(std::span<float> out);
  std::optional<float> glance(FrameDecoder& eye) const;
  bool active() const;
  void reset();
  ReceiverStats stats() const;

 private:
  // With 160 ms before it any decoder is where it would be had it never paused (with 100 ms SILK in the midst
  // of speech is still off by -5 dB in the worst twentieth); the rest is for recall().
  static constexpr std::size_t kPreRollMs = 200;
  static constexpr std::size_t kMostPreRoll = 20;
  static constexpr int kPatience = 3;  // ticks that a need for correction must last

  // receiver.cpp: what arrives
  bool describe(const MediaPacket& packet, StoredPacket& about) const;
  bool seen_before(std::int64_t sequence);
  void make_room(std::int64_t sequence);
  void store(const StoredPacket& about, Bytes payload);
  void pass_to(std::int64_t sequence);
  void leave_out_before(std::int64_t sequence);
  void trim_pre_roll();
  void begin_stream(std::int64_t sequence);
  void flush();

  // receiver_schedule.cpp: when it is due
  std::int64_t samples_of(Duration duration) const;
  std::int64_t grid(const StoredPacket& packet) const;
  std::int64_t latest_position(TimePoint at, Duration wait, std::int64_t start, std::int64_t grid) const;
  Duration wait(TimePoint at) const;
  Duration fec_wait() const;
  std::int64_t playing_position() const;
  bool start(TimePoint at);
  void stop();
  void note_time(TimePoint at);
  void release_idle(TimePoint at);
  void measure_course(TimePoint at);
  void jump_if_far_behind(TimePoint at);
  void adjust(TimePoint at);
  void shorten(std::int64_t excess);
  void lengthen(std::int64_t deficit);
  bool off_course() const { return excess_ticks_ >= kPatience || deficit_ticks_ >= kPatience; }
  bool is_quiet(std::span<const float> samples) const;
  bool prefetch(std::size_t samples);

  // receiver_pass.cpp: what is not played
  Pulled pass_silence();
  std::optional<Pulled> pass_packet(const StoredPacket& packet);
  std::optional<Pulled> pass_hole(const StoredPacket& next);

  // receiver_playout.cpp: what it sounds like
  void fill(TimePoint at, std::size_t samples);
  bool step(TimePoint at);
  void underrun();
  void settle_debt(TimePoint at, const StoredPacket*& next);
  bool bridge_gap(const StoredPacket& next);
  void decode(const StoredPacket& packet);
  void rebuild(const StoredPacket& next, std::int64_t gap);
  void conceal(std::size_t samples);
  void go_on_with_sound(std::size_t before, std::span<float> room);
  void warm_up(std::span<float> heard = {});
  void joined(std::size_t before, std::span<float> added);
  void finish_with_silence(std::size_t samples);
  void silence(std::span<float> out);
  FrameDecoder& decoder();
  void note(PulledKind kind);

  const ReceiverConfig config_;
  const std::uint32_t rate_;
  const std::size_t tick_;         // samples
  const std::size_t ms_;           // samples per millisecond
  const std::size_t conceal_for_;  // samples

  RtpTimeline timeline_;
  DelayManager delays_;
  LossMeter losses_;
  PacketStore store_;
  PcmFifo pcm_;
  TimeStretcher stretcher_;
  std::unique_ptr<FrameDecoder> decoder_;
  ComfortNoise noise_;

  // What has been received.
  bool started_ = false;
  std::int64_t newest_ = 0;      // highest sequence number received
  std::uint64_t seen_ = 0;       // bit i: newest_ - i was received
  std::int64_t packet_samples_;  // of the packet before, the best guess for one that is missing

  // Where playing is.
  bool playing_ = false;
  bool strict_ = false;          // the next start may not begin later than the delay asks for
  std::int64_t next_ = 0;        // sequence number to decode next; stored packets below it are pre-roll
  std::size_t pre_roll_ = 0;     // how many of these are stored
  std::int64_t decoded_to_ = 0;  // media time behind the last sample that waits
  std::int64_t debt_ = 0;  // samples made up while nothing was there: a loss, or the packet is only late
  std::size_t concealed_run_ = 0;
  std::vector<float> last_sound_heard_;  // before that
  bool after_dtx_ = false;
  std::int64_t decoder_next_ = 0;  // sequence number that the decoder's state is ready for
  bool warm_ = true;               // the decoder has seen what precedes next_
  bool reset_decoder_ = false;
  bool seam_ = false;  // the next samples have no common past with those before: blend them
  TimePoint last_tick_{};
  TimePoint last_sound_{};

  // Of the current pull.
  PulledKind kind_ = PulledKind::silence;
  PulledKind waiting_kind_ = PulledKind::silence;  // of the samples that wait
  TimePoint now_{};
  int pieces_ = 0;      // decoded, rebuilt or concealed pieces
  bool clean_ = false;  // nothing waited, no seam, no stretching
  bool whole_packet_ = false;
  bool whole_hole_ = false;
  MediaPacket played_;

  // Passed since the last pull: samples in all, and those of silence at the end of it.
  std::size_t passed_ = 0;
  std::size_t passed_silence_ = 0;

  // Delay correction: how far playing is behind, and ahead of, where it should be; and for how long.
  std::int64_t excess_ = 0;
  std::int64_t deficit_ = 0;
  int excess_ticks_ = 0;
  int deficit_ticks_ = 0;
  double budget_ = 0;   // samples of speech that may be shortened or lengthened by now
  float loudness_ = 0;  // of recent sound, falls slowly

  ReceiverStats stats_;
};

}  // namespace parley::media
