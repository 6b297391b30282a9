// Asks the server's media port by STUN how it sees us. For `parley doctor`.
#pragma once

#include "transport/base/address.hpp"
#include "transport/base/result.hpp"
#include "transport/base/time.hpp"

namespace parley::client {

struct StunAnswer {
  Address local;   // of our socket
  Address mapped;  // as the server sees it
  Duration round_trip{};
  int asked = 0, answered = 0;
};

// A few Binding requests from one new socket; blocks until they are answered or `timeout` has passed.
Result<StunAnswer> probe_stun(const Address& server, Duration timeout = 2s);

}  // namespace parley::client
