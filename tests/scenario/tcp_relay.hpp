// A TCP connection in the middle that can be made to stand still, as a mobile network does.
//
// Threads: one of its own; the methods may be called from any thread.
#pragma once

#include <atomic>
#include <cstdint>
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
  std::uint64_t passed() const { return passed_.load(); }  // bytes, both ways

 private:
  void run();
  void accept_one();
  bool pass(int from, int to);

  Address server_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::vector<std::pair<int, int>> pairs_;  // client, server
  std::atomic<bool> still_{false}, stop_{false};
  std::atomic<std::uint64_t> passed_{0};
  std::thread thread_;
};

}  // namespace parley::scenario
