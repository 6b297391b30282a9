// Whether the NAT in front of one socket gives each destination a port of its own: the server's media port is
// asked how it sees us and whether it has a second port (RFC 5780 OTHER-ADDRESS), then that one is.
//
// Pure: time is passed in. Threads: one owner.
#pragma once

#include <functional>
#include <optional>

#include "transport/base/address.hpp"
#include "transport/base/bytes.hpp"
#include "transport/base/time.hpp"
#include "transport/ice/port_prober.hpp"
#include "transport/stun/stun_message.hpp"

namespace parley::client {

class MappingProbe {
 public:
  static constexpr int kTries = 3;  // at each port
  static constexpr Duration kSpacing = 150ms;
  using Send = std::function<void(const Address& to, Bytes datagram)>;

  MappingProbe(const Address& server, Send send) : asked_(server), server_(server), send_(std::move(send)) {}

  void on_timer(TimePoint at);
  // True: it was an answer to us, and nobody else's.
  bool take(const Address& from, const stun::StunMessage& message);
  bool done() const { return done_; }
  ice::PortMapping result() const { return result_; }  // unknown: there is no second port, or no answer

 private:
  Address asked_;
  const Address server_;
  const Send send_;
  stun::TransactionId id_{};
  int tries_ = 0;
  TimePoint due_{};
  std::optional<Address> mapped_;  // as the first port sees us
  bool done_ = false;
  ice::PortMapping result_ = ice::PortMapping::unknown;
};

// A request long enough for an answer with OTHER-ADDRESS (transport/leg/binding_service.hpp).
void write_binding_request(stun::StunBuilder& request);

}  // namespace parley::client
