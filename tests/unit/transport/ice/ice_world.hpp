// ICE agents and a network between them, in virtual time.
#pragma once

#include <functional>
#include <map>
#include <random>
#include <stdexcept>

#include "transport/ice/ice_client.hpp"
#include "transport/ice/ice_lite.hpp"
#include "transport/stun/stun_message.hpp"

namespace parley::ice::test {

inline Address address(const char* text) {
  const auto parsed = Address::parse(text);
  if (!parsed) throw std::invalid_argument(text);
  return *parsed;
}

// Delivers datagrams after a delay to whoever listens at an address; loses some.
class Network {
 public:
  using Receiver = std::function<void(TimePoint, const Address& from, Bytes)>;
  using Timer = std::pair<std::function<TimePoint()>, std::function<void(TimePoint)>>;

  void listen(const Address& at, Receiver receiver) { receivers_[at] = std::move(receiver); }
  void deafen(const Address& at) { receivers_.erase(at); }
  void add_timer(std::function<TimePoint()> next, std::function<void(TimePoint)> fire) {
    timers_.emplace_back(std::move(next), std::move(fire));
  }

  void send(const Address& from, const Address& to, Bytes datagram) {
    ++sent;
    if (std::bernoulli_distribution(loss)(random)) return;
    wire_.emplace(now + delay, Flight{from, to, ByteBuffer(datagram.begin(), datagram.end())});
  }

  void run_until(TimePoint end) {
    for (std::size_t steps = 0;; ++steps) {
      if (steps > 1'000'000) throw std::logic_error("time stands still");
      TimePoint next = wire_.empty() ? TimePoint::max() : wire_.begin()->first;
      for (const auto& timer : timers_) next = std::min(next, timer.first());
      if (next > end) break;
      now = std::max(now, next);
      if (!wire_.empty() && wire_.begin()->first <= now) {
        const auto flight = wire_.extract(wire_.begin()).mapped();
        if (const auto to = receivers_.find(flight.to); to != receivers_.end())
          to->second(now, flight.from, flight.datagram);
      } else {
        for (const auto& timer : timers_) {
          if (timer.first() <= now) timer.second(now);
        }
      }
    }
    now = end;
  }
  void run_for(Duration span) { run_until(now + span); }
  template <typename Condition>
  bool run_while_not(Condition&& met, Duration limit) {
    const auto end = now + limit;
    while (!met() && now < end) run_for(1ms);
    return met();
  }

  TimePoint now{1h};
  Duration delay = 10ms;
  double loss = 0;
  std::size_t sent = 0;
  std::mt19937 random{1};

 private:
  struct Flight {
    Address from, to;
    ByteBuffer datagram;
  };
  std::multimap<TimePoint, Flight> wire_;
  std::map<Address, Receiver> receivers_;
  std::vector<Timer> timers_;
};

inline const Credentials kServer{"srvu", "serverpasswordserverpass"};
inline const Credentials kClient{"cliu", "clientpasswordclientpass"};

// A server's agent at one or several addresses.
class LiteHost {
 public:
  LiteHost(Network& network, std::vector<Address> addresses) : agent(kServer, kClient.ufrag) {
    for (const auto& own : addresses) {
      network.listen(own, [this, &network, own](TimePoint at, const Address& from, Bytes datagram) {
        const auto result = agent.receive(at, from, datagram);
        if (!result.response.empty()) network.send(own, from, result.response);
        if (result.rebound) ++rebinds;
        if (result.nominated) ++nominations;
      });
    }
  }
  IceLite agent;
  int rebinds = 0;
  int nominations = 0;
};

class ClientHost final : public CheckSink {
 public:
  ClientHost(Network& network, const Address& own, IceClientConfig config)
      : network_(network), own_(own), agent(with_seed(std::move(config)), *this, network.now) {
    listen();
    network.add_timer([this] { return agent.next_timeout(); }, [this](TimePoint at) { agent.on_timer(at); });
  }
  void send_check(const Address& to, Bytes datagram) override { network_.send(own_, to, datagram); }
  void send_opening(const Address& to, Bytes) override { openings.push_back(to); }

  // As if a NAT had changed its mapping, or the network had changed.
  void move_to(const Address& own) {
    network_.deafen(own_);
    own_ = own;
    listen();
  }
  bool settled() const { return agent.nominated(); }

 private:
  static IceClientConfig with_seed(IceClientConfig config) {
    config.seed = 7;
    return config;
  }
  void listen() {
    network_.listen(own_, [this](TimePoint at, const Address& from, Bytes datagram) {
      if (agent.receive(at, from, datagram).changed) ++changes;
    });
  }
  Network& network_;
  Address own_;

 public:
  IceClient agent;
  std::vector<Address> openings;
  int changes = 0;
};

inline IceClientConfig to_lite() {
  return {.local = kClient, .remote = kServer};
}

// A check as a peer of the lite agent would send it; the fields spoil it.
struct Check {
  std::string username = "srvu:cliu";
  std::string pwd = kServer.pwd;
  bool use_candidate = false;
  bool integrity = true;
  bool fingerprint = true;
  bool controlled = false;
  std::vector<std::uint16_t> extra{};  // attribute types, without value
  std::uint16_t method = stun::kBinding;
  stun::Class message_class = stun::Class::request;

  ByteBuffer build() const {
    stun::StunBuilder check(message_class, stun::random_transaction_id(), method);
    check.username(username).priority(1);
    controlled ? check.ice_controlled(5) : check.ice_controlling(5);
    if (use_candidate) check.use_candidate();
    for (const auto type : extra) check.attribute(static_cast<stun::Attribute>(type), {});
    if (integrity) check.integrity(pwd);
    if (fingerprint) check.fingerprint();
    return {check.bytes().begin(), check.bytes().end()};
  }
};

}  // namespace parley::ice::test
