// A full ICE agent of one component on one socket (RFC 8445, consent by RFC 7675). The client uses it towards
// the MCU, controlling against a lite peer with one or a few host candidates; it also answers checks, so that
// two of them can meet directly.
//
// Since all local candidates share one socket, a candidate pair is known by its remote address
// (section 6.1.2.4 prunes the rest).
//
// Pure: no socket, no clock. Datagrams leave through CheckSink, which must not call back. Threads: one owner.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "transport/base/address.hpp"
#include "transport/base/bytes.hpp"
#include "transport/base/time.hpp"
#include "transport/ice/credentials.hpp"
#include "transport/ice/port_prober.hpp"

namespace parley::ice {

class CheckSink {
 public:
  virtual ~CheckSink() = default;
  virtual void send_check(const Address& to, Bytes datagram) = 0;
  // From a socket of its own, on which an answer may come: see probe_ports().
  virtual void send_opening(const Address& /*to*/, Bytes /*datagram*/) {}
};

enum class ClientState : std::uint8_t {
  checking,   // no path yet
  connected,  // selected() is set
  failed,     // no path found in kGiveUp, or consent expired; restart() begins anew
};

struct IceClientConfig {
  Credentials local;
  Credentials remote;
  bool controlling = true;
  bool remote_lite = true;             // nominate the first pair that works
  std::uint64_t tie_breaker = 0;       // 0: random
  std::uint64_t seed = 0;              // of the timing of consent checks; 0: random
  Duration consent_interval = 2500ms;  // times 0.8 to 1.2; short where a dead path must be noticed at once
};

struct IceClientResult {
  bool authenticated = false;  // the datagram came from the peer
  bool changed = false;        // selected() has changed
};

class IceClient {
 public:
  static constexpr std::size_t kMaxCandidates = 20;
  static constexpr Duration kPacing = 20ms;                // Ta
  static constexpr Duration kFirstRetransmission = 100ms;  // doubling to
  static constexpr Duration kLastRetransmission = 500ms;
  static constexpr unsigned kTries = 7;
  static constexpr Duration kConsentRetry = 500ms;    // while the last one is unanswered
  static constexpr Duration kTrouble = 3s;            // unanswered for so long: other pairs are tried again
  static constexpr Duration kNominationWait = 200ms;  // for a better pair; not with a lite peer
  static constexpr Duration kConsentLimit = 30s;      // RFC 7675 section 5.1
  static constexpr Duration kGiveUp = 20s;

  IceClient(IceClientConfig config, CheckSink& sink, TimePoint at);
  ~IceClient();
  IceClient(const IceClient&) = delete;
  IceClient& operator=(const IceClient&) = delete;

  // False: refused (multicast, broadcast, unspecified, port 0, known, or more than kMaxCandidates).
  bool add_remote_candidate(TimePoint at, const Address& address, std::uint32_t priority = 0x7effffff);

  // Checks to ports that nobody has named, until a path is found; once. `known` is where the peer is seen to
  // come from. When an opening is answered, its socket is the one to go on with, for all that this agent
  // sends.
  void probe_ports(TimePoint at, const Address& known, const ProbePlan& plan);

  // A STUN datagram from `from`.
  IceClientResult receive(TimePoint at, const Address& from, Bytes datagram);
  void on_timer(TimePoint at);
  TimePoint next_timeout() const;

  ClientState state() const;
  // The best path that has answered; the nominated one as soon as there is one.
  std::optional<Address> selected() const;
  bool nominated() const;
  bool validated(const Address& address) const;  // a check to or from it succeeded
  bool consent_valid(TimePoint at) const;
  bool controlling() const;                       // may change by a role conflict
  std::optional<Address> mapped_address() const;  // how the peer sees us
  std::optional<TimePoint> last_authenticated() const;
  // The last answer on the selected path, by when it was given; consent rests on it.
  TimePoint consented() const;

  // The socket is another, or its address is: asks on the selected path at once instead of in some seconds,
  // so that a lite peer learns where media has to go now.
  void network_changed(TimePoint at);

  // New credentials and no pairs; the old path stays selected until a new one is found. Candidates are added
  // again.
  void restart(TimePoint at, Credentials local, Credentials remote);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace parley::ice
