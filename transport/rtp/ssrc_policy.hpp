// The guard against streams that change their SSRC.
//
// Threads: the leg's owner.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "transport/base/time.hpp"

namespace parley::rtp {

// Decides which SSRCs of a leg reach decryption at all. Every SSRC costs libsrtp a stream, so a leg that
// draws a new one for each packet must be stopped before that: two new SSRCs a second are tried, the rest
// refused. Stragglers of the stream that was just left do not count as a change back.
class SsrcPolicy {
 public:
  static constexpr int kChangesPerSecond = 2;

  // Before decryption. Trying an unknown SSRC spends from the budget whether or not it turns out genuine.
  bool admit(TimePoint at, std::uint32_t ssrc);
  // After authentication: from now on this is the leg's SSRC. Returns the one it takes the place of, whose
  // decryption state may go.
  std::optional<std::uint32_t> accept(TimePoint at, std::uint32_t ssrc);

  std::optional<std::uint32_t> current() const { return current_; }

 private:
  std::optional<std::uint32_t> current_, previous_;
  TimePoint changed_{};
  std::array<TimePoint, kChangesPerSecond> tried_{};  // when the last tries were; a ring
  std::uint64_t tries_ = 0;
};

}  // namespace parley::rtp
