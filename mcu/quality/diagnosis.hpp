// Who hurts whom: from the figures of a room's paths to sentences that an operator can act on.
//
// A bad uplink hurts everybody else, a bad downlink only its own listener. Where most of a room suffers in
// the same direction at once, it is the server's network; where the server's media threads are late or its
// queues overflow, it is the server. Between two who talk directly there is one way for each direction, and
// which of the two networks it is cannot be told from it.
//
// Pure.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "mcu/quality/sample.hpp"

namespace parley::quality {

struct Trouble {
  std::string participant, name;  // whose network or machine it is; empty: the server's
  std::string direction;          // "uplink", "downlink", "direct", "server"
  std::string cause;              // "loss", "jitter", "delay", "websocket", "client", "overload", "network"
  std::string hurts;              // "others", "itself", "everybody", "peer"
  std::string text;               // a sentence
};

// What the server's media threads did in the interval.
struct ServerLoad {
  std::uint64_t ticks = 0, skipped_ticks = 0;
  std::uint64_t packets = 0, dropped = 0;  // by full queues
};

// The latest samples of one room. The server's troubles come first, then those who hurt others.
std::vector<Trouble> diagnose(std::span<const Sample> room, const ServerLoad& load);

}  // namespace parley::quality
