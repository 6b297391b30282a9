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
    if (loss_ > 0.018F) waiting_ = true;
    if (loss_ < 0.007F) waiting_ = false;
  }

  float packets_ = 0;
  float loss_ = 0;
  float fec_share_ = 0;
  bool waiting_ = false;
};

}  // namespace parley::media
