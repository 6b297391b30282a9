// A network for tests, wholly inside this process: hosts are threads in network namespaces of their own with
// one TUN device each, and what lies between them (NATs, delay, loss) is this class. Nothing leaves the
// machine, and everything is gone with the process. Needs CAP_NET_ADMIN and /dev/net/tun.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <queue>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/nat/nat_box.hpp"
#include "transport/base/time.hpp"

namespace parley::nat {

std::uint32_t ip(const char* text);

class Host {
 public:
  // Throws std::runtime_error where namespaces or TUN devices cannot be made.
  explicit Host(std::uint32_t address);
  ~Host();
  // On a thread inside the host's namespace; waits. Sockets and threads made there belong to the host.
  void run(const std::function<void()>& job);
  std::uint32_t address() const { return address_; }
  int tun() const { return tun_; }

 private:
  void serve();

  const std::uint32_t address_;
  int tun_ = -1;
  std::string failure_;
  std::mutex lock_;
  std::condition_variable changed_;
  const std::function<void()>* job_ = nullptr;  // guarded by lock_
  bool ready_ = false, ending_ = false;         // guarded by lock_
  std::thread thread_;
};

class Lab {
 public:
  struct Weather {
    Duration delay{};   // one way, each packet
    Duration jitter{};  // more, evenly up to this
    double loss = 0;    // of UDP
  };

  explicit Lab(const Weather& weather);
  ~Lab();

  // Before start(). `behind`: outermost last; empty: on the public net.
  NatBox& add_nat(Kind kind, std::uint32_t public_ip, bool hairpin = false);
  // Without `udp` a firewall drops all that the host sends or would get by it.
  Host& add_host(std::uint32_t address, std::vector<NatBox*> behind = {}, bool udp = true);
  void start();

  // While it runs, from any thread.
  void rebind(NatBox& nat);
  // UDP between these two, however it is translated, is lost more often than by the weather; 1: all of it.
  void worsen(const Host& a, const Host& b, double loss);
  void block(const Host& a, const Host& b) { worsen(a, b, 1); }
  // Of their UDP, what is STUN.
  void block_checks(const Host& a, const Host& b);
  // How late the laboratory itself has been with a packet since the last time it was asked: what the machine
  // was busy with otherwise.
  Duration take_lateness();
  // UDP packets that have passed between these two, and how many of them were of DTLS.
  std::uint64_t passed(const Host& a, const Host& b) const;
  std::uint64_t handshaken(const Host& a, const Host& b) const;
  // UDP packets that have left a host that is watched, before any NAT. Before start().
  struct Sent {
    TimePoint at;
    Endpoint from, to;
  };
  void watch(const Host& host) { sent_[&host]; }
  std::vector<Sent> sent(const Host& host) const;
  // Bytes of TCP over IP.
  std::uint64_t tcp_bytes(const Host& a, const Host& b) const;

 private:
  struct Place {
    std::unique_ptr<Host> host;
    std::vector<NatBox*> behind;
    bool udp = true;
  };
  struct Travelling {
    TimePoint due;
    std::uint64_t order;
    Place* to;
    Packet packet;
    bool operator>(const Travelling& other) const {
      return std::tie(due, order) > std::tie(other.due, other.order);
    }
  };

  void run();
  void forward(Place& from, Packet packet);
  Place* deliver(Packet& packet);
  static std::pair<const Host*, const Host*> pair(const Host& a, const Host& b);

  const Weather weather_;
  std::minstd_rand random_{1};
  std::vector<std::unique_ptr<NatBox>> nats_;
  std::vector<std::unique_ptr<Place>> places_;
  mutable std::mutex lock_;  // of what follows, and of the NATs
  std::priority_queue<Travelling, std::vector<Travelling>, std::greater<>> travelling_;
  Duration lateness_{};
  std::uint64_t order_ = 0;
  using Way = std::pair<const Host*, const Host*>;
  std::map<Way, double> worse_;
  std::set<Way> unchecked_;
  std::map<Way, std::uint64_t> passed_, handshaken_, tcp_bytes_;
  std::map<const Host*, std::vector<Sent>> sent_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace parley::nat
