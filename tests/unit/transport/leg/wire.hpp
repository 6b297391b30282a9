// Two legs, client and server, joined by a wire in memory: virtual time, seeded loss, no sockets.
#pragma once

#include <array>
#include <deque>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "tests/unit/transport/dtls/openssl_clock.hpp"
#include "tests/unit/transport/leg/end.hpp"
#include "transport/dtls/identity.hpp"
#include "transport/ice/credentials.hpp"
#include "transport/leg/leg.hpp"
#include "transport/net/udp_socket.hpp"

namespace parley {

class Wire {
 public:
  End client, server;
  TimePoint at{1000s};
  double loss = 0;
  bool only_stun = false;
  bool blocked = false;               // UDP
  std::optional<Address> second;      // of the client: every other datagram comes from there
  std::mt19937 random{42};            // which datagrams are lost
  std::vector<ByteBuffer> to_server;  // everything that reached the server, for attacks that repeat it

  explicit Wire(bool encrypted = true) {
    client.self = address("192.0.2.1:4000");
    server.self = address("192.0.2.9:5004");
    client_config.encrypted = server_config.encrypted = encrypted;
    client_config.controlling = true;
    client_config.remote = server.self;
    client_config.local_ssrc = 1111;
    server_config.local_ssrc = 2222;
    server_config.remote = encrypted ? std::nullopt : std::optional(client.self);
    for (auto* config : {&client_config, &server_config}) {
      config->id = LegId{7};
      config->cname = "test";
      config->audio_level_id = 1;
      config->mixer_level_id = 2;
      End& own = config == &client_config ? client : server;
      End& other = config == &client_config ? server : client;
      config->local_ufrag = own.credentials.ufrag;
      config->local_pwd = own.credentials.pwd;
      config->remote_ufrag = other.credentials.ufrag;
      config->remote_pwd = other.credentials.pwd;
      config->remote_fingerprint = other.identity->fingerprint();
    }
  }

  LegConfig client_config, server_config;

  void start() {
    server.leg = std::make_unique<Leg>(server_config, server.identity.get(), server, at);
    client.leg = std::make_unique<Leg>(client_config, client.identity.get(), client, at);
  }

  // Lets time pass; datagrams arrive within the millisecond.
  void run(Duration time) {
    for (const TimePoint end = at + time; at < end; at += 1ms) {
      test::set_openssl_clock(at);
      for (End* one : {&client, &server})
        if (one->leg && at >= one->leg->next_timeout()) one->leg->on_timer(at);
      carry(client, server);
      carry(server, client);
    }
  }
  bool run_until(const std::function<bool()>& done, Duration limit) {
    for (const TimePoint end = at + limit; at < end;) {
      if (done()) return true;
      run(1ms);
    }
    return done();
  }
  bool connect(Duration limit = 5s) {
    start();
    return run_until([this] { return client.connected > 0 && server.connected > 0; }, limit);
  }

  // A datagram from anywhere to the server's leg.
  bool inject(const Address& from, Bytes datagram) {
    return server.leg->receive(at, from, server.self.ip, datagram);
  }

 private:
  void carry(End& from, End& to) {
    while (!from.carried.empty()) {
      const auto packet = std::move(from.carried.front());
      from.carried.pop_front();
      to.leg->receive_carried(at, packet);
    }
    while (!from.outbox.empty()) {
      const auto [target, datagram] = std::move(from.outbox.front());
      from.outbox.pop_front();
      if (blocked) continue;
      if (only_stun && net::classify(datagram) != net::PacketKind::stun) continue;
      const bool arrives = target == to.self || (&to == &client && target == second);
      if (!arrives || std::bernoulli_distribution(loss)(random)) continue;
      if (&to == &server) to_server.push_back(datagram);
      // Checks take turns of their own, so that the second address is sure to pass one.
      auto& turn = turns_[net::classify(datagram) == net::PacketKind::stun ? 0 : 1];
      const bool from_second = &from == &client && second && turn++ % 2 == 1;
      to.leg->receive(at, from_second ? *second : from.self, to.self.ip, datagram);
    }
  }

  std::array<std::size_t, 2> turns_{};
};

}  // namespace parley
