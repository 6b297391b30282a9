// A peer, or a server, that would like our client to shout at somebody: what leaves the client's host is
// counted.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <set>
#include <thread>

#include "client/direct_path.hpp"
#include "tests/nat/world.hpp"
#include "tests/unit/client/fake_mcu.hpp"
#include "transport/dtls/identity.hpp"

namespace parley::nat {
namespace {

using client::testing_support::FakeMcu;

const std::uint32_t kVictim = ip("203.0.113.9"), kServer = ip("192.0.2.1");
constexpr std::uint16_t kVictimPort = 40'000;
const std::string kVictimText = "203.0.113.9:40000";

// A client at home in the laboratory, and a server that says to it whatever the test likes.
class Target {
 public:
  Target(Lab& lab, Host& server, const char* address)
      : server_(server), person_{&lab.add_host(ip(address)), 500} {
    lab.watch(*person_.host);
  }
  ~Target() {
    person_.caller.reset();
    mcu_.reset();
  }
  void join(const Person::Change& change = {}) {
    server_.run([this] {
      FakeMcu::Behaviour behaviour;
      behaviour.ip = "192.0.2.1";
      mcu_ = std::make_unique<FakeMcu>(behaviour);
    });
    person_.join(mcu_->url(), "room", "ann", change);
    ASSERT_EQ(person_.caller->wait_live(), "");
  }
  // A direct call; returns what our client has offered.
  protocol::DirectOffer start(const std::string& call, bool probing = true) {
    mcu_->send(protocol::DirectStart{call, "peer", true, probing});
    const auto offer = mcu_->wait_for<protocol::DirectOffer>(++starts_);
    EXPECT_TRUE(offer.has_value());
    return offer.value_or(protocol::DirectOffer{});
  }
  void describe(const std::string& call, const std::vector<std::string>& candidates) {
    static const auto identity = dtls::Identity::create().value();
    mcu_->send(
        protocol::DirectPeer{call, "peer", "0123456789012345678901", identity->fingerprint(), candidates});
  }
  void see(const std::string& call, const std::string& address) {
    mcu_->send(protocol::DirectAddress{call, address});
  }
  FakeMcu& mcu() { return *mcu_; }
  // All but what goes to the server.
  std::vector<Lab::Sent> sent(const Lab& lab, TimePoint since = {}) const {
    auto all = lab.sent(*person_.host);
    std::erase_if(all, [since](const auto& packet) { return packet.to.ip == kServer || packet.at < since; });
    return all;
  }

 private:
  Host& server_;
  Person person_;
  std::unique_ptr<FakeMcu> mcu_;
  std::size_t starts_ = 0;
};

// What is not an ordinary check of the one address that is known.
std::vector<Lab::Sent> probes(const std::vector<Lab::Sent>& sent, std::uint16_t own_port) {
  std::vector<Lab::Sent> out;
  for (const auto& packet : sent)
    if (packet.to.port != kVictimPort || packet.from.port != own_port) out.push_back(packet);
  return out;
}

std::size_t most_in_a_second(const std::vector<Lab::Sent>& sent) {
  std::size_t most = 0, first = 0;
  for (std::size_t i = 0; i < sent.size(); ++i) {
    while (sent[i].at - sent[first].at >= 1s) ++first;
    most = std::max(most, i - first + 1);
  }
  return most;
}

std::vector<std::string> nasty(const std::string& own, int round) {
  const auto numbered = [round](const char* net, int i) {
    return std::string(net) + std::to_string(round) + "." + std::to_string(i) + ":5060";
  };
  std::vector<std::string> all = {
      "224.0.0.1:5004",     "239.255.255.250:1900", "255.255.255.255:9", "0.0.0.0:5004",
      "127.0.0.1:22",       "10.0.0.1:0",           "192.0.2.1:5004",    own,
      "198.51.100.255:137", "169.254.169.254:80"};
  for (int i = 1; all.size() < 20; ++i) all.push_back(numbered(i % 2 == 0 ? "10.7." : "203.0.", i));
  return all;
}

TEST(HostilePeer, CannotMakeAClientFloodAThirdParty) {
  NEEDS_LAB();
  Lab lab({10ms, 0ms, 0});
  Host& server = lab.add_host(kServer);
  lab.add_host(kVictim);
  Target flooded(lab, server, "198.51.100.1"), probing(lab, server, "198.51.100.2"),
      unnamed(lab, server, "198.51.100.3"), unwilling(lab, server, "198.51.100.4"),
      forbidden(lab, server, "198.51.100.5");
  lab.start();
  for (Target* target : {&flooded, &probing, &unnamed, &forbidden}) target->join();
  unwilling.join([](client::SessionConfig& config) { config.guess_ports = false; });
  if (HasFatalFailure()) return;

  // Hundreds of candidates, in many descriptions, and hundreds of addresses.
  const auto own = flooded.start("c").candidates.front();
  const TimePoint begun = now();
  for (int round = 1; round <= 20; ++round) {
    flooded.describe("c", nasty(own, round));
    for (int i = 1; i <= 20; ++i)
      flooded.see("c", "203.1." + std::to_string(round) + "." + std::to_string(i) + ":5060");
  }
  const auto own_port = Address::parse(probing.start("c").candidates.front())->port;
  probing.describe("c", {kVictimText, "10.1.2.3:40000"});
  probing.see("c", kVictimText);
  // The server alone says so, and the peer alone.
  const auto unnamed_port = Address::parse(unnamed.start("c").candidates.front())->port;
  unnamed.describe("c", {"203.0.113.77:40000"});
  unnamed.see("c", kVictimText);
  const auto unwilling_port = Address::parse(unwilling.start("c").candidates.front())->port;
  const auto forbidden_port = Address::parse(forbidden.start("c", false).candidates.front())->port;
  for (Target* target : {&unwilling, &forbidden}) {
    target->describe("c", {kVictimText});
    target->see("c", kVictimText);
  }
  std::this_thread::sleep_until(begun + client::DirectPath::kConnectLimit + 1s);

  // Ordinary checks: few, slow, to nobody who must not get any, and they end.
  const auto checks = flooded.sent(lab);
  std::set<Endpoint> places;
  for (const auto& packet : checks) {
    places.insert(packet.to);
    EXPECT_NE(packet.to.port, 0);
    EXPECT_LT(packet.to.ip, ip("224.0.0.0"));
    EXPECT_FALSE(packet.to.ip >> 24 == 127 || packet.to.ip == 0);
  }
  EXPECT_GE(places.size(), 10U);
  EXPECT_LE(places.size(), 20U);
  EXPECT_LE(most_in_a_second(checks), 51U);
  EXPECT_TRUE(flooded.sent(lab, begun + client::DirectPath::kConnectLimit + 300ms).empty());
  std::printf("hundreds of candidates: %zu checks to %zu addresses in 10 s, at most %zu in a second\n",
              checks.size(), places.size(), most_in_a_second(checks));

  // Probes: at most 512, not faster than every 5 ms, to the one address.
  const auto probed = probes(probing.sent(lab), own_port);
  std::size_t to_victim = 0, openings = 0;
  for (const auto& packet : probed) {
    to_victim += packet.to.ip == kVictim ? 1 : 0;
    openings += packet.from.port != own_port ? 1 : 0;
  }
  EXPECT_EQ(to_victim, probed.size());
  EXPECT_LE(probed.size(), 512U);
  EXPECT_GE(probed.size(), 500U);
  EXPECT_LE(most_in_a_second(probed), 205U);
  if (!probed.empty()) {
    EXPECT_GE(probed.back().at - probed.front().at, 2400ms);
  }
  std::printf(
      "a victim named by server and peer: %zu probes, %zu of them openings, at most %zu in a second\n",
      probed.size(), openings, most_in_a_second(probed));
  EXPECT_TRUE(probing.sent(lab, begun + client::DirectPath::kConnectLimit + 500ms).empty());

  for (const auto& packet : probes(unnamed.sent(lab), unnamed_port)) ADD_FAILURE() << "to " << packet.to.port;
  for (const auto& packet : probes(unwilling.sent(lab), unwilling_port))
    ADD_FAILURE() << "to " << packet.to.port;
  for (const auto& packet : probes(forbidden.sent(lab), forbidden_port))
    ADD_FAILURE() << "to " << packet.to.port;

  // Once: another attempt of the same server at the same victim.
  const TimePoint again = now();
  probing.start("d");
  probing.describe("d", {kVictimText});
  probing.see("d", kVictimText);
  std::this_thread::sleep_for(3s);
  EXPECT_TRUE(probes(probing.sent(lab, again), own_port).empty());
  EXPECT_FALSE(probing.sent(lab, again).empty());  // ordinary checks
}

}  // namespace
}  // namespace parley::nat
