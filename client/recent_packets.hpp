// The last few packets that went to the peer alone. When the server's path has to step in they are sent
// after: its buffer then has something that is due at once, and less of what was said is lost.
//
// Threads: one owner (the network thread).
#pragma once

#include <array>
#include <cstddef>

#include "client/uplink.hpp"

namespace parley::client {

class RecentPackets {
 public:
  static constexpr std::size_t kMost = 4;  // 80 ms: about what it takes to miss somebody

  void keep(const Uplink::Packet& packet) { packets_[count_++ % kMost] = packet; }
  // The oldest first; then none are left.
  template <typename Send>
  void drain(Send&& send) {
    for (std::size_t i = count_ < kMost ? 0 : count_ - kMost; i < count_; ++i) send(packets_[i % kMost]);
    count_ = 0;
  }

 private:
  std::array<Uplink::Packet, kMost> packets_;
  std::size_t count_ = 0;
};

}  // namespace parley::client
