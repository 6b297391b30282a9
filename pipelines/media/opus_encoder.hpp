// The Opus encoder of one mix class: libopus with a state that can be copied, its own way into silence and
// back.
//
// Shapes: one tick (10 or 20 ms) of mono float at 48 kHz per call; one packet of one frame, or none, comes
// out.
//
// Silence: a decoder that gets nothing goes on with the background it has learnt, which may be far from
// silent. So the stream ends with a frame that says silence (CELT's silence flag, RFC 6716 section 4.3), for
// which the encoder starts anew, since a decoder does so too; then come packets of one byte, the TOC alone,
// at once and every 400 ms, and libopus is not called at all. Noise that libopus' own DTX leaves out is sent
// as libopus wants it. Without DTX in the profile every tick is coded.
//
// Threads: one at a time. No allocation after construction.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include "pipelines/media/profile.hpp"
#include "transport/base/bytes.hpp"
#include "transport/base/time.hpp"

struct OpusEncoder;

namespace parley::media {

class ClassEncoder {
 public:
  static constexpr std::size_t kMaxPacket = 1'275;

  explicit ClassEncoder(Duration tick);

  // A cold start: for a decoder that has heard nothing yet, or nothing but silence.
  void start(const Profile& profile, int complexity);
  // Goes on exactly where `other` is (opus.h: a shallow copy of the state is a copy of the encoder).
  void clone(const ClassEncoder& other);
  // Listeners come over from `other`: whoever has waited longest for a packet is not to wait longer still.
  void welcome(const ClassEncoder& other) { since_packet_ = std::max(since_packet_, other.since_packet_); }
  // Changes a running encoder. Below 7 low-delay CELT has no DTX; the voice mode takes at most 5.
  void set_complexity(int complexity);

  // Empty: nothing to send this tick. Valid until the next call.
  Bytes encode(std::span<const float> pcm) { return last_ = code(pcm); }
  // The same for a tick that is known to be digital silence.
  Bytes encode_silence() { return last_ = code_silence(); }
  // What the last encode gave.
  Bytes last() const { return last_; }
  // Makes the state that of an encoder which has coded this tick; nothing is sent.
  void warm(std::span<const float> pcm);
  // The decoders come from another encoder: the next packet leans on nothing before it, and with the one
  // after it gets half as many bits again, unless the peer stated a maximum.
  void take_over();

  // Low-delay CELT, or the voice mode? A decoder that meets the other kind starts that half of itself anew.
  bool celt() const;
  const Profile& profile() const { return profile_; }
  int complexity() const { return complexity_; }
  // Calls of libopus since the last take: what this encoder cost.
  std::uint64_t take_runs() { return std::exchange(runs_, 0); }

 private:
  ::OpusEncoder* opus() { return reinterpret_cast<::OpusEncoder*>(state_.get()); }
  int run(std::span<const float> pcm);
  Bytes code(std::span<const float> pcm);
  Bytes code_silence();
  void taken_over();
  Bytes end_stream();
  Bytes quiet(Bytes packet);

  Duration tick_;
  std::unique_ptr<std::byte[]> state_;
  Profile profile_;
  int complexity_ = -1;
  Duration zeros_for_{};     // of digital silence at the input, coded or not
  Duration since_packet_{};  // since the last packet left
  bool quiet_ = false;       // the last thing to leave was a packet of silence
  int taking_over_ = 0;      // packets still coded in that way
  std::uint8_t toc_ = 0;
  std::uint64_t runs_ = 0;
  std::array<std::uint8_t, kMaxPacket> packet_;
  Bytes last_;  // of packet_
};

}  // namespace parley::media
