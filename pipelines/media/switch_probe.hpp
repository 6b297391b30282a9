// Tries out what a listener would hear if the next packet of its stream came from another encoder (design
// rule 5). A decoder of our own follows the stream as the listeners' do; the packet is given to a copy of it,
// and its sound is compared with the sound it should have: overshoots (a CELT band whose energy is told as a
// difference, a long-term predictor without its past) show before anybody hears them.
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
  // `before`, `now`: the sound of the last tick and of the packet's. True if the packet's decode neither
  // passes their peaks nor clicks.
  bool inaudible(Bytes packet, std::span<const float> before, std::span<const float> now);

  static constexpr int kFollow = 5;

 private:
  ::OpusDecoder* decoder(std::size_t index) { return reinterpret_cast<::OpusDecoder*>(states_[index].get()); }

  int samples_;
  std::unique_ptr<std::byte[]> states_[2];  // the follower, and the copy that tries
  std::vector<float> pcm_;
  int followed_ = 0;
};

}  // namespace parley::media
