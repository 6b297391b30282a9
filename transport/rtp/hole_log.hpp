// Sequence numbers a sender skipped on purpose (a forwarded talker's packet that was lost on its way in
// leaves its hole, so that the listener's FEC and concealment work). The peer counts them as lost; RTCP takes
// them off again with the help of this log.
//
// Bounded: the ring holds the newest runs of holes; those that fell out are taken to lie before any sequence
// number the peer will still report.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace parley::rtp {

class HoleLog {
 public:
  // `count` holes that end just before the packet with extended sequence number `before`. Ascending order.
  void add(std::int64_t before, std::uint16_t count);
  // How many holes of the stream's life have a sequence number of at most `highest`.
  std::uint64_t count_through(std::int64_t highest) const;
  std::uint64_t total() const { return total_; }

 private:
  struct Run {
    std::int64_t before = 0;
    std::uint16_t count = 0;
  };
  static constexpr std::size_t kRuns = 256;  // five seconds if every packet had holes before it

  std::array<Run, kRuns> runs_{};
  std::uint64_t added_ = 0;  // runs; the newest is runs_[(added_ - 1) % kRuns]
  std::uint64_t total_ = 0;  // holes
};

}  // namespace parley::rtp
