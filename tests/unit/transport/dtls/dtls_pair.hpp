// Two DTLS sessions and a network between them, in virtual time.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <random>

#include "tests/unit/transport/dtls/openssl_clock.hpp"
#include "transport/dtls/identity.hpp"
#include "transport/dtls/session.hpp"

namespace parley::dtls::test {

inline const Identity& make_identity(const char* profiles = Identity::kSrtpProfiles) {
  static std::vector<std::unique_ptr<Identity>> kept;
  auto identity = Identity::create(profiles);
  if (!identity) throw std::runtime_error(identity.error().what);
  kept.push_back(std::move(*identity));
  return *kept.back();
}
inline const Identity& client_identity() {
  static const Identity& identity = make_identity();
  return identity;
}
inline const Identity& server_identity() {
  static const Identity& identity = make_identity();
  return identity;
}
inline Fingerprint fingerprint_of(const Identity& identity) {
  return *Fingerprint::parse(identity.fingerprint());
}

struct PairConfig {
  const Identity* client = &client_identity();
  const Identity* server = &server_identity();
  std::optional<Fingerprint> client_expects, server_expects;  // absent: the right one
  double loss = 0;
  unsigned seed = 1;
  std::size_t mtu = Session::kMtu;
};

class Pair {
 public:
  static constexpr Duration kDelay = 10ms;  // one way

  explicit Pair(const PairConfig& config = {})
      : client(*config.client, Role::active, config.client_expects.value_or(fingerprint_of(*config.server)),
               to_server_, config.mtu),
        server(*config.server, Role::passive, config.server_expects.value_or(fingerprint_of(*config.client)),
               to_client_, config.mtu),
        loss_(config.loss),
        random_(config.seed) {
    parley::test::set_openssl_clock(now);
  }

  void start() { client.start(now); }

  // Until nothing more happens before `end`.
  void run_until(TimePoint end) {
    for (;;) {
      const auto arrival = wire_.empty() ? TimePoint::max() : wire_.begin()->first;
      const auto next = std::min({arrival, client.next_timeout(), server.next_timeout()});
      if (next > end) break;
      now = std::max(now, next);
      parley::test::set_openssl_clock(now);
      if (arrival <= now) {
        deliver();
      } else {
        client.on_timer(now);
        server.on_timer(now);
      }
    }
    now = end;
    parley::test::set_openssl_clock(now);
  }
  void run_for(Duration span) { run_until(now + span); }
  bool run_until_connected(Duration limit) {
    const auto end = now + limit;
    while (now < end && !connected()) run_for(1ms);
    return connected();
  }
  bool connected() const { return client.state() == State::connected && server.state() == State::connected; }

  // Each direction: sees every datagram that is sent; false drops it.
  std::function<bool(ByteBuffer&)> on_way_to_server = [](ByteBuffer&) { return true; };
  std::function<bool(ByteBuffer&)> on_way_to_client = [](ByteBuffer&) { return true; };

  void send_to_server(ByteBuffer datagram) {
    wire_.emplace(now + kDelay, Flight{&server, std::move(datagram)});
  }
  void send_to_client(ByteBuffer datagram) {
    wire_.emplace(now + kDelay, Flight{&client, std::move(datagram)});
  }

  TimePoint now{1h};
  std::vector<std::size_t> sizes;  // of all datagrams sent

 private:
  struct Direction final : DatagramSink {
    Direction(Pair& owner, bool server) : pair(owner), to_server(server) {}
    void send_datagram(Bytes datagram) override { pair.send(to_server, datagram); }
    Pair& pair;
    bool to_server;
  };
  struct Flight {
    Session* to;
    ByteBuffer datagram;
  };

  void send(bool to_server, Bytes bytes) {
    sizes.push_back(bytes.size());
    ByteBuffer datagram(bytes.begin(), bytes.end());
    if (std::bernoulli_distribution(loss_)(random_)) return;
    if (to_server && on_way_to_server(datagram)) send_to_server(std::move(datagram));
    if (!to_server && on_way_to_client(datagram)) send_to_client(std::move(datagram));
  }
  void deliver() {
    const auto first = wire_.extract(wire_.begin());
    first.mapped().to->receive(now, first.mapped().datagram);
  }

  Direction to_server_{*this, true};
  Direction to_client_{*this, false};

 public:
  Session client;
  Session server;

 private:
  std::multimap<TimePoint, Flight> wire_;
  double loss_;
  std::mt19937 random_;
};

}  // namespace parley::dtls::test
