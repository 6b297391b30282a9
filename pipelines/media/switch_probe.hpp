// Tries out what a listener would hear if the next packet of its stream came from another encoder (design
// rule 5). A decoder of our own follows the stream as the listeners' do; the packet is given to a copy of it,
// and its sound is compared with the sound it should have: overshoots (a CELT band whose energy is told as a
// difference, a long-term predictor without its past) show before anybody hears them. What the packets after
// it will do cannot be tried, since they have not come; so the sound must be close already, and falling: what
// is left to go wrong is then small, and in the shadow of something louder.
//
// Shapes: packets of one tick of mono Opus; PCM mono float at 48 kHz. Threads: one at a time.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "transport/base/bytes.hpp"
#include "transport/base/time.hpp"

struct OpusDecoder;

namespace parley::media {

class SwitchProbe {
 public:
  explicit SwitchProbe(Duration tick);

  void start();
  // What the listeners got in a tick; empty: nothing.
  void follow(Bytes packet);
  // A few ticks until the own decoder is where theirs are.
  bool ready() const { return followed_ >= kFollow; }
  // `before`, `now`: the sound of the last tick and of the packet's; `loudest`: RMS of the loudest of the
  // last ticks. True if the packet's decode neither passes their peaks nor clicks, and is near to `now` in a
  // moment in which the sound falls.
  bool inaudible(Bytes packet, std::span<const float> before, std::span<const float> now, float loudest);

  static constexpr int kFollow = 5;
  static constexpr std::size_t kLookBack = 5;  // ticks, for `loudest`

 private:
  ::OpusDecoder* decoder(std::size_t index) { return reinterpret_cast<::OpusDecoder*>(states_[index].get()); }

  int samples_;
  std::unique_ptr<std::byte[]> states_[2];  // the follower, and the copy that tries
  std::vector<float> pcm_;
  int followed_ = 0;
};

}  // namespace parley::media
