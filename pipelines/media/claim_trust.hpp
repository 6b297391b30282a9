// Whether a leg's claims to speak are believed. A claim (an RFC 6464 level, a voice bit) costs its sender
// nothing, a talker's place costs the others: a leg that claims and decodes to silence for `false_claim` is
// believed no more, until enough of it was decoded and found audible.
//
// Threads: the room's mix thread. Time is an argument. No allocation.
#pragma once

#include <cstdint>

#include "transport/base/time.hpp"

namespace parley::media {

class ClaimTrust {
 public:
  explicit ClaimTrust(Duration false_claim) : false_claim_(false_claim) {}

  // A packet that arrived at `at` claims voice. True: it makes a talker, or keeps one.
  bool claim(TimePoint at);
  // A packet claims nothing.
  void no_claim() { run_ = 0; }

  // `span` of a talker's audio was decoded; it arrived at `arrived`, a playout delay ago, and answers the
  // claims made then. False: the place was taken on a false claim and must be given back now.
  bool decoded(TimePoint arrived, Duration span, bool silent);

  // The leg is a talker by what was heard of it, not by what it claims.
  void prove();
  // The leg is no talker any more.
  void end_spurt();

  bool lost() const { return lost_; }

 private:
  // Claims of the last 640 ms, one bit per 20 ms, the newest at bit 0.
  struct History {
    std::uint32_t bits = 0;
    std::int64_t newest = 0;
    void add(std::int64_t slot);
    bool any(std::int64_t from, std::int64_t to) const;  // both included
  };
  void lose();

  Duration false_claim_;
  History claims_;
  TimePoint last_claim_{};
  int run_ = 0;              // claims in unbroken sequence
  bool spurt_ = false;       // a talker now
  TimePoint spurt_since_{};  // its first claim
  bool confirmed_ = false;   // something was heard in this spurt
  Duration silent_{};        // decoded silence under claims, since sound was last heard
  int fruitless_ = 0;        // short claims that came to nothing lately: each asks for a longer run next time
  TimePoint forgiven_at_{};
  bool lost_ = false;
  Duration heard_{};  // decoded sound since the claim was lost
};

}  // namespace parley::media
