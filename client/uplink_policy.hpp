// What the encoder does about a bad uplink, from the server's `uplink` reports (about one every few seconds).
//
// Loss makes the expected loss (so the strength of in-band FEC) rise at once and fall slowly. Loss that FEC
// cannot mend any more is taken for congestion: fewer bits, and in the end fewer, longer packets.
//
// Pure. Threads: one owner (the network thread).
#pragma once

#include "client/encoder.hpp"

namespace parley::client {

class UplinkPolicy {
 public:
  explicit UplinkPolicy(const EncoderTuning& configured) : configured_(configured), now_(configured) {}

  // `loss` is the fraction lost since the last report. Values that make no sense are taken for the nearest
  // that do.
  EncoderTuning on_report(double loss);
  EncoderTuning tuning() const { return now_; }

 private:
  static constexpr int kMinBitrate = 16'000;
  static constexpr int kMaxExpectedLoss = 30;
  static constexpr double kGood = 0.02, kCongested = 0.15, kDire = 0.25;
  static constexpr int kReportsToLengthen = 3, kReportsToShorten = 10;

  void adapt_ptime();

  EncoderTuning configured_, now_;
  double smoothed_ = 0;
  int dire_ = 0, good_ = 0;  // reports in a row
};

}  // namespace parley::client
