// How often something may happen. Time is passed in.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>

#include "transport/base/address.hpp"
#include "transport/base/time.hpp"

namespace parley::room {

// Tokens drip in at `rate` a second up to `burst`; each event takes one. Rate 0: no limit.
class TokenBucket {
 public:
  TokenBucket(double rate, double burst) : rate_(rate), burst_(burst), tokens_(burst) {}
  bool available(TimePoint at) const;
  bool take(TimePoint at);
  bool full(TimePoint at) const;

 private:
  double level(TimePoint at) const;

  double rate_, burst_, tokens_;
  TimePoint last_{};
  bool started_ = false;
};

// Who stands behind an address as far as limits go: in IPv6 the /64, which is what one subscriber gets.
IpAddress subscriber_of(const IpAddress& address);

// A bucket for each key. Those beyond kMaxKeys share one bucket, so that a flood of keys costs bounded
// memory.
class KeyedLimiter {
 public:
  static constexpr std::size_t kMaxKeys = 4096;

  KeyedLimiter(double rate, double burst) : rate_(rate), burst_(burst), others_(rate, burst) {}
  bool available(TimePoint at, const std::string& key) { return bucket(at, key).available(at); }
  bool take(TimePoint at, const std::string& key) { return bucket(at, key).take(at); }

 private:
  TokenBucket& bucket(TimePoint at, const std::string& key);
  void forget_full(TimePoint at);

  double rate_, burst_;
  std::map<std::string, TokenBucket, std::less<>> buckets_;
  TokenBucket others_;
  TimePoint last_cleaning_{};
};

// A bucket for each subscriber.
class AddressLimiter {
 public:
  static constexpr std::size_t kMaxAddresses = KeyedLimiter::kMaxKeys;

  AddressLimiter(double rate, double burst) : subscribers_(rate, burst) {}
  bool available(TimePoint at, std::string_view ip);
  bool take(TimePoint at, std::string_view ip);

 private:
  KeyedLimiter subscribers_;
};

bool is_loopback_text(std::string_view ip);

}  // namespace parley::room
