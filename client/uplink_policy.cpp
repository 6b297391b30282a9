#include "client/uplink_policy.hpp"

#include <algorithm>
#include <cmath>

namespace parley::client {

EncoderTuning UplinkPolicy::on_report(double loss) {
  const double sane = std::isfinite(loss) ? std::clamp(loss, 0.0, 1.0) : 0.0;
  smoothed_ = std::max(sane, 0.8 * smoothed_ + 0.2 * sane);

  const int expected = static_cast<int>(std::ceil(smoothed_ * 150));
  now_.expected_loss =
      std::clamp(expected, configured_.expected_loss, std::max(kMaxExpectedLoss, configured_.expected_loss));

  const int floor = std::min(kMinBitrate, configured_.bitrate);
  if (smoothed_ > kCongested) now_.bitrate = std::max(floor, now_.bitrate * 4 / 5);
  if (smoothed_ < kGood) now_.bitrate = std::min(configured_.bitrate, now_.bitrate * 11 / 10);

  adapt_ptime();
  return now_;
}

void UplinkPolicy::adapt_ptime() {
  dire_ = smoothed_ > kDire ? dire_ + 1 : 0;
  good_ = smoothed_ < kGood ? good_ + 1 : 0;
  if (dire_ >= kReportsToLengthen) now_.ptime = std::max<Duration>(configured_.ptime, 40ms);
  if (good_ >= kReportsToShorten) now_.ptime = configured_.ptime;
}

}  // namespace parley::client
