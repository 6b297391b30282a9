// The way through NATs that hide ports from each other (docs/design/0018-hard-nats.md). A symmetric NAT gives
// each destination a port of its own. Who is behind a port-restricted one cannot know it, and hears nothing
// from it before having sent there. Most such NATs count: the ports next to the one that is known are tried
// first. Some draw at random: then the end behind it opens many mappings towards the other's one address, a
// socket for each, the other end sends to many ports drawn at random, and by the birthday paradox two of them
// are likely to meet.
//
// Everything is bounded, because the peer may be hostile and the address somebody else's: at most kMost
// datagrams in all, one every kSpacing, to one IP.
//
// Pure: no socket, no clock. Threads: one owner.
#pragma once

#include <bitset>
#include <cstdint>
#include <optional>
#include <random>

#include "transport/base/address.hpp"
#include "transport/base/time.hpp"

namespace parley::ice {

// What a NAT does with one socket that speaks to two destinations (RFC 4787 section 4.1).
enum class PortMapping : std::uint8_t { unknown, constant, varying };

struct ProbePlan {
  unsigned predictions = 0;   // next to the known port: one up, one down, two up, ...
  unsigned openings = 0;      // to the known address, each from a new socket
  unsigned random_ports = 0;  // of the peer, each tried once
};

// What both ends do when each knows so much of its own NAT and of the peer's. Where both NATs are alike there
// is nothing to be found by chance; where neither is known each end does half of both.
ProbePlan plan_probes(PortMapping ours, PortMapping peers, bool by_chance);

// That at least one of `ports` different ports, drawn from those a NAT gives out, is one of `mappings`.
double chance_to_meet(unsigned mappings, unsigned ports);

class PortProber {
 public:
  static constexpr unsigned kMost = 512;
  static constexpr Duration kSpacing = 5ms;
  static constexpr unsigned kPredictions = 64;
  static constexpr Duration kPause = 300ms;  // behind the predictions: their answers may be on the way
  static constexpr std::uint16_t kFirstPort = 1'024;
  static constexpr unsigned kPorts = 65'536 - kFirstPort;

  struct Probe {
    Address to;
    bool new_socket = false;
  };

  // `known`: where the server sees the peer. What the plan has beyond kMost is left out.
  PortProber(TimePoint at, const Address& known, const ProbePlan& plan, std::uint64_t seed);

  // The probe that is due, if any.
  std::optional<Probe> take(TimePoint at);
  TimePoint next() const { return next_; }  // TimePoint::max(): there is none any more

 private:
  std::optional<std::uint16_t> predicted();
  std::uint16_t drawn();

  const Address known_;
  unsigned predictions_, openings_, random_ports_;  // still to do
  bool opens_next_ = true;
  int step_ = 0;
  std::mt19937 random_;
  std::bitset<65'536> tried_;
  TimePoint next_;
};

}  // namespace parley::ice
