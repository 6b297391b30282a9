// The receive organ of one leg: jitter buffer, decoder, concealment and time-stretcher in one (what NetEQ is
// in WebRTC). Packets go in as they arrive, exactly one tick of audio comes out per pull, whatever the
// network did.
//
// Shapes and units: PCM is mono float in [-1, 1] at output_rate() (48 kHz for Opus, 8 kHz for G.711: the room
// resamples). Durations are nanoseconds; time is always passed in, there is no clock inside.
// Threads: owned by the room's mix thread (or a client's playout thread); no locks, no allocation after
// construction beyond a bounded packet store. Errors: none are returned; what cannot be decoded is concealed
// and counted.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "transport/base/media_packet.hpp"
#include "transport/base/time.hpp"

namespace parley::media {

class FrameDecoder;

struct ReceiverConfig {
  Codec codec = Codec::opus;
  Duration tick = 20ms;         // 10 or 20 ms
  Duration min_delay = 0ms;     // jitter.min_ms
  Duration max_delay = 200ms;   // jitter.max_ms
  Duration conceal_for = 80ms;  // what is missing for longer becomes silence
  bool comfort_noise = false;   // fade concealment into low noise instead of digital silence
};

// What the samples of one pull are made of, from best to worst; a pull of several kinds reports the worst.
enum class PulledKind : std::uint8_t {
  silence,    // nothing is being sent (DTX gap, muted, not started): true digital silence or comfort noise
  decoded,    // ordinary decode
  stretched,  // decoded, then shortened or lengthened to correct the delay
  fec,        // rebuilt from the in-band FEC of the next packet
  concealed,  // PLC
};

struct Pulled {
  PulledKind kind = PulledKind::silence;
  // For verbatim forwarding (design rule 5). `packet`: the one packet of exactly one tick, mono Opus, whose
  // decode is exactly this pull's samples; valid until the next call. `hole`: this tick's packet was lost on
  // the way in (the samples are FEC or PLC) while the buffer is otherwise undisturbed. Neither: cannot be
  // forwarded this tick.
  const MediaPacket* packet = nullptr;
  bool hole = false;
};

struct ReceiverStats {
  std::uint64_t received = 0;
  std::uint64_t duplicates = 0;
  std::uint64_t late = 0;      // arrived after their playout time
  std::uint64_t overflow = 0;  // dropped because the store was full
  std::uint64_t lost = 0;      // never arrived in time
  std::uint64_t fec = 0;       // of these, rebuilt from FEC
  std::uint64_t concealed_samples = 0;
  std::uint64_t stretched_samples = 0;  // samples added plus samples removed
  std::uint64_t decode_errors = 0;
  std::uint64_t resets = 0;  // ssrc change, sequence or timestamp jump
  Duration target{};         // the delay it steers for
  Duration delay{};          // the delay it has: playout time minus arrival of the packet being played
  double drift_ppm = 0;      // sender clock against ours
};

class Receiver {
 public:
  explicit Receiver(const ReceiverConfig& config);
  ~Receiver();
  Receiver(const Receiver&) = delete;
  Receiver& operator=(const Receiver&) = delete;

  std::uint32_t output_rate() const;
  std::size_t samples_per_tick() const;

  // Takes one packet (its `arrival` is the time). Copies what it keeps.
  void insert(const MediaPacket& packet);

  // One tick of audio: `out` has samples_per_tick() floats, all written.
  Pulled pull(TimePoint at, std::span<float> out);

  // One tick passes unheard (design rule 3): nothing is decoded, packets fall due and those of the last 200
  // ms are kept; the next pull decodes these first and throws the sound away, so that the decoder is warm.
  void skip(TimePoint at);

  // One tick passes of which only the packet is needed: what pull() would tell of it, without decoding.
  // nullopt: this tick is no plain one (stretching, concealment, packets that are no ticks) and pull() is to
  // be called, before which recall() gives what was passed.
  std::optional<Pulled> pass(TimePoint at);

  // What the ticks passed since the last pull sound like, the latest at the end of `out` (whole ticks, at
  // most 200 ms); returns how many samples are known, the rest is zero. The earlier ones are only as right as
  // a decoder that has just been started.
  std::size_t recall(std::span<float> out);

  // The level (RMS, dBFS) of what was due last, from 60 ms of packets decoded by `eye`; the receiver's own
  // decoder is not touched. nullopt: no such packets are there. `eye`: an Opus decoder of kEyeRate.
  static constexpr std::uint32_t kEyeRate = 16'000;
  std::optional<float> glance(FrameDecoder& eye) const;

  // True while a packet is stored or playing: false means silence for sure.
  bool active() const;

  void reset();
  ReceiverStats stats() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace parley::media
