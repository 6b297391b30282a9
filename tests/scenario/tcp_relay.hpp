// A TCP connection in the middle that can be made to stand still, as a mobile network does.
//
// Threads: one of its own; the methods may be called from any thread.
#pragma once

#include <atomic>
#include <thread>
#include <utility>
#include <vector>

#include "transport/base/address.hpp"

namespace parley::scenario {

class TcpRelay {
 public:
  explicit TcpRelay(const Address& server);
  ~TcpRelay();
  std::uint16_t port() const { return port_; }
  // Nothing is passed on, in either direction; nothing is lost either.
  void stand_still(bool still) { still_.store(still); }

 private:
  void run();
  void accept_one();

  Address server_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::vector<std::pair<int, int>> pairs_;  // client, server
  std::atomic<bool> still_{false}, stop_{false};
  std::thread thread_;
};

}  // namespace parley::scenario
