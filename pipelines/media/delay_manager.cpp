#include "pipelines/media/delay_manager.hpp"

#include <algorithm>

namespace parley::media {
namespace {

constexpr Duration kBucketLength = 250ms;
constexpr Duration kWindowLength = 500ms;
constexpr Duration kDriftLength = 2s;
constexpr Duration kRecent = 1200ms;          // windows whose base may still be corrected
constexpr std::size_t kWindowsToForgive = 6;  // with fewer, even the worst counts
constexpr Duration kPeakAbove = 10ms;         // beyond the quantile: a burst, not jitter
constexpr Duration kPeakHold = 250ms;
constexpr Duration kPeakFall = 800ms;
constexpr Duration kPathStep = 20ms;
constexpr std::size_t kPointsForDrift = 8;
constexpr Duration kDriftAhead = 3s;
constexpr Duration kMostAllowance = 2ms;

// A pause so long that clocks may have drifted apart, or after which the time line does not fit any more.
bool is_restart(Duration gap, Duration deviation) {
  return gap > 10s || (gap > 1s && (deviation > 500ms || deviation < -500ms));
}

}  // namespace

void DelayManager::restart() {
  bucket_count_ = 0;
  drift_count_ = 0;
  drift_ppm_ = 0;
  peak_ = {};
}

void DelayManager::on_packet(TimePoint arrival, Duration media) {
  const Duration offset = arrival.time_since_epoch() - media;
  if (known() && is_restart(arrival - last_arrival_, offset - base_)) restart();
  last_arrival_ = arrival;
  move_base(arrival, offset);
  note_worst(arrival, offset - base_);
  note_drift(arrival, offset);
}

void DelayManager::move_base(TimePoint arrival, Duration offset) {
  const bool first = bucket_count_ == 0;
  if (first || arrival - buckets_[bucket_at_].opened >= kBucketLength) {
    bucket_at_ = first ? 0 : (bucket_at_ + 1) % kBuckets;
    bucket_count_ = std::min(kBuckets, bucket_count_ + 1);
    buckets_[bucket_at_] = {arrival, offset};
  }
  buckets_[bucket_at_].fastest = std::min(buckets_[bucket_at_].fastest, offset);
  Duration base = buckets_[0].fastest;
  for (std::size_t i = 1; i < bucket_count_; ++i) base = std::min(base, buckets_[i].fastest);
  const Duration rise = first ? Duration{} : base - base_;
  base_ = base;
  if (rise > kPathStep || rise < -kPathStep) drift_count_ = 0;
  if (rise <= Duration{}) return;
  // A longer route: for a second its packets were compared with the old one, which says nothing about jitter.
  for (std::size_t i = 0; i < window_count_; ++i) {
    Window& window = windows_[i];
    if (arrival - window.opened < kRecent) window.worst = std::max(Duration{}, window.worst - rise);
  }
  peak_ = std::max(Duration{}, peak_ - rise);
  quantile_ = quantile();
}

void DelayManager::note_worst(TimePoint arrival, Duration relative) {
  if (window_count_ == 0 || arrival - windows_[window_at_].opened >= kWindowLength) {
    window_at_ = window_count_ == 0 ? 0 : (window_at_ + 1) % kWindows;
    window_count_ = std::min(kWindows, window_count_ + 1);
    windows_[window_at_] = {arrival, relative};
    quantile_ = quantile();
  } else if (relative > windows_[window_at_].worst) {
    windows_[window_at_].worst = relative;
    quantile_ = quantile();
  }
  if (relative > quantile_ + kPeakAbove && relative > peak(arrival)) {
    peak_ = relative;
    peak_at_ = arrival;
  }
}

Duration DelayManager::quantile() const {
  Duration worst{};
  Duration second{};
  for (std::size_t i = 0; i < window_count_; ++i) {
    const Duration value = windows_[i].worst;
    if (value > worst) {
      second = worst;
      worst = value;
    } else {
      second = std::max(second, value);
    }
  }
  return window_count_ < kWindowsToForgive ? worst : second;
}

Duration DelayManager::peak(TimePoint at) const {
  const Duration age = at - peak_at_ - kPeakHold;
  if (age <= Duration{}) return peak_;
  if (age >= kPeakFall) return {};
  return Duration(peak_.count() / 1'000 * ((kPeakFall - age).count() / 1'000) /
                  (kPeakFall.count() / 1'000'000));
}

Duration DelayManager::target(TimePoint at, Duration ahead) const {
  return std::clamp(std::max(steady_target(ahead), peak(at)), min_, max_ + ahead);
}

Duration DelayManager::steady_target(Duration ahead) const {
  return std::clamp(quantile_ + drift_allowance() + ahead, min_, max_ + ahead);
}

// A slow sender's packets come later and later against our ticks. Playing moves back in time, in a quiet
// tick, if it is done before they are late.
Duration DelayManager::drift_allowance() const {
  if (drift_ppm_ >= 0) return {};
  const double ahead = -drift_ppm_ * 1e-6 * static_cast<double>(kDriftAhead.count());
  return std::min(kMostAllowance, Duration(static_cast<std::int64_t>(ahead)));
}

void DelayManager::note_drift(TimePoint arrival, Duration offset) {
  if (drift_count_ == 0) {
    drift_epoch_ = arrival;
    drift_origin_ = offset;
    drift_at_ = 0;
  }
  const auto offset_ms = static_cast<float>(to_ms(offset - drift_origin_));
  if (drift_count_ > 0 && arrival - drift_opened_ < kDriftLength) {
    drift_[drift_at_].offset_ms = std::min(drift_[drift_at_].offset_ms, offset_ms);
    return;
  }
  measure_drift();
  if (drift_count_ > 0) drift_at_ = (drift_at_ + 1) % kDriftPoints;
  drift_count_ = std::min(kDriftPoints, drift_count_ + 1);
  drift_opened_ = arrival;
  drift_[drift_at_] = {static_cast<float>(to_seconds(arrival - drift_epoch_)), offset_ms};
}

// Least squares over the fastest packets of each two seconds.
void DelayManager::measure_drift() {
  drift_ppm_ = 0;
  if (drift_count_ < kPointsForDrift) return;
  double mean_t = 0;
  double mean_o = 0;
  const auto n = static_cast<double>(drift_count_);
  for (std::size_t i = 0; i < drift_count_; ++i) {
    mean_t += static_cast<double>(drift_[i].seconds) / n;
    mean_o += static_cast<double>(drift_[i].offset_ms) / n;
  }
  double covariance = 0;
  double variance = 0;
  for (std::size_t i = 0; i < drift_count_; ++i) {
    const double t = static_cast<double>(drift_[i].seconds) - mean_t;
    covariance += t * (static_cast<double>(drift_[i].offset_ms) - mean_o);
    variance += t * t;
  }
  // In ms per s; arrivals that get earlier mean a fast sender.
  if (variance > 0) drift_ppm_ = -covariance / variance * 1'000;
}

}  // namespace parley::media
