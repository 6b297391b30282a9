// The guard against streams that change their SSRC.
//
// Threads: the leg's owner.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "transport/base/time.hpp"

namespace parley::rtp {

// Decides which SSRCs of a leg reach decryption at all. Every SSRC that authenticates costs libsrtp a stream,
// so a leg that draws a new one for each packet must be stopped before that: two changes a second are
// honoured, the rest refused. Forgeries do not count: they fail authentication, leave no stream behind, and
// must not use up what the true sender may need. Stragglers of the stream that was just left are no change
// back.
class SsrcPolicy {
 public:
  static constexpr std::size_t kChangesPerSecond = 2;

  // Before decryption: is it worth a try?
  bool admit(TimePoint at, std::uint32_t ssrc) const;
  // After authentication: from now on this is the leg's SSRC. Returns the one it takes the place of, whose
  // decryption state may go.
  std::optional<std::uint32_t> accept(TimePoint at, std::uint32_t ssrc);

  std::optional<std::uint32_t> current() const { return current_; }

 private:
  std::optional<std::uint32_t> current_, previous_;
  std::array<TimePoint, kChangesPerSecond> changed_{};  // when the last changes were; a ring
  std::uint64_t changes_ = 0;
};

}  // namespace parley::rtp
