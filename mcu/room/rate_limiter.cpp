#include "mcu/room/rate_limiter.hpp"

#include <algorithm>

namespace parley::room {
namespace {

constexpr Duration kCleaningInterval = 1s;

std::string limiter_key(std::string_view ip) {
  const auto address = IpAddress::parse(ip);
  if (!address) return {};  // strangers without an address are one stranger
  return subscriber_of(*address).to_string();
}

}  // namespace

IpAddress subscriber_of(const IpAddress& address) {
  if (address.is_v4()) return address;
  auto prefix = address.bytes();
  std::fill(prefix.begin() + 8, prefix.end(), std::uint8_t{0});
  return IpAddress::v6(prefix);
}

double TokenBucket::level(TimePoint at) const {
  if (!started_ || at <= last_) return tokens_;
  return std::min(burst_, tokens_ + rate_ * to_seconds(at - last_));
}
bool TokenBucket::available(TimePoint at) const {
  return rate_ <= 0 || level(at) >= 1;
}
bool TokenBucket::take(TimePoint at) {
  if (!available(at)) return false;
  tokens_ = std::max(0.0, level(at) - 1);
  last_ = std::max(last_, at);
  started_ = true;
  return true;
}
bool TokenBucket::full(TimePoint at) const {
  return level(at) >= burst_;
}

TokenBucket& KeyedLimiter::bucket(TimePoint at, const std::string& key) {
  if (const auto found = buckets_.find(key); found != buckets_.end()) return found->second;
  if (buckets_.size() >= kMaxKeys) forget_full(at);
  if (buckets_.size() >= kMaxKeys) return others_;
  return buckets_.try_emplace(key, rate_, burst_).first->second;
}

// A full bucket says nothing that a new one would not say.
void KeyedLimiter::forget_full(TimePoint at) {
  if (at - last_cleaning_ < kCleaningInterval) return;
  last_cleaning_ = at;
  std::erase_if(buckets_, [at](auto& entry) { return entry.second.full(at); });
}

bool AddressLimiter::available(TimePoint at, std::string_view ip) {
  return subscribers_.available(at, limiter_key(ip));
}
bool AddressLimiter::take(TimePoint at, std::string_view ip) {
  return subscribers_.take(at, limiter_key(ip));
}

bool is_loopback_text(std::string_view ip) {
  const auto address = IpAddress::parse(ip);
  return address && address->is_loopback();
}

}  // namespace parley::room
