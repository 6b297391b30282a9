// The share of packets that did not come, over about the last hundred, with the decision whether in-band FEC
// is worth one packet of delay (the next packet must be there before the lost one is played).
#pragma once

#include <algorithm>

namespace parley::media {

class LossMeter {
 public:
  void on_lost(std::size_t count) {
    for (std::size_t i = 0; i < std::min<std::size_t>(count, 3); ++i) add(1);
  }
  void on_received(bool has_fec) {
    add(0);
    fec_share_ += has_fec ? (1 - fec_share_) * 0.1F : -fec_share_ * 0.002F;  // pauses carry none
  }

  bool wait_for_fec() const { return waiting_ && fec_share_ > 0.3F; }
  float loss() const { return loss_; }

 private:
  void add(float lost) {
    packets_ = std::min(packets_ + 1, 100.0F);
    loss_ += (lost - loss_) / std::max(30.0F, packets_);
    since_loss_ = lost > 0 ? 0 : since_loss_ + 1;
    if (loss_ > 0.018F) waiting_ = true;
    if (since_loss_ >= kLossFree) waiting_ = false;
  }

  // A link that loses one packet in a hundred has hundred in a row every few seconds, but seldom so many: the
  // delay does not go up and down all the time.
  static constexpr int kLossFree = 400;

  int since_loss_ = 0;
  float packets_ = 0;
  float loss_ = 0;
  float fec_share_ = 0;
  bool waiting_ = false;
};

}  // namespace parley::media
