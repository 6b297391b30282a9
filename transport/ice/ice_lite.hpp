// The server's ICE agent of one leg: lite (RFC 8445 section 2.5), controlled, one component. It answers
// connectivity checks, learns from them which addresses the peer may be reached at, and decides where media
// goes.
//
// A check counts only with the USERNAME "local:remote", a valid MESSAGE-INTEGRITY and a FINGERPRINT; anything
// else is met with silence, so the port cannot be used to reflect traffic at a stranger.
//
// Where media goes: to the address nominated last; before any nomination to the first validated one. A
// nomination takes over at once. So does, without one, a new address while the current one is silent (a NAT
// that changed its mapping; not every peer repeats USE-CANDIDATE), and an address that media comes from.
// Addresses that alternate do not flap the leg: after a change the next is held back for a second, longer
// each time it happens again, unless the current address is dead, or is silent and the other one is new (a
// NAT that changes its mapping twice does not alternate).
//
// Pure: no socket, no clock. Threads: owned by the leg's thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "transport/base/address.hpp"
#include "transport/base/bytes.hpp"
#include "transport/base/time.hpp"
#include "transport/ice/credentials.hpp"

namespace parley::stun {
class StunMessage;
}

namespace parley::ice {

struct IceLiteResult {
  ByteBuffer response;         // to be sent to where the check came from; empty: say nothing
  bool authenticated = false;  // the peer sent this check, and it is answered by success
  bool rebound = false;        // remote() has changed
  bool nominated = false;      // the check carried USE-CANDIDATE
};

class IceLite {
 public:
  static constexpr std::size_t kMaxValidated = 8;
  static constexpr Duration kConsent = 20s;    // without a check from remote(), media to it stops
  static constexpr Duration kSilence = 300ms;  // the current address has moved, if a new one speaks
  static constexpr Duration kDead = 1s;        // the current address is dead, if another asks to take over
  static constexpr Duration kGone = 5s;        // the current address is given up for any other that is alive
  static constexpr Duration kFirstHold = 1s;   // between changes, doubling to kLastHold
  static constexpr Duration kLastHold = 8s;
  static constexpr Duration kCalm = 10s;  // without a change: the next hold is the first again

  IceLite(Credentials local, std::string remote_ufrag);

  // A STUN datagram from `from`.
  IceLiteResult receive(TimePoint at, const Address& from, Bytes datagram);

  // An SRTP or SRTCP packet from `from` was authenticated: a sign of life, and evidence of the path the peer
  // uses. True when remote() has changed.
  bool heard(TimePoint at, const Address& from);

  // A check from this address was authenticated: DTLS is accepted from it.
  bool validated(const Address& from) const;

  const std::optional<Address>& remote() const { return remote_; }
  std::optional<TimePoint> last_authenticated() const {
    return last_authenticated_;
  }                                        // last check, any address
  bool consent_valid(TimePoint at) const;  // RFC 7675, seen from the server: media may be sent to remote()

  // ICE restart (RFC 8445 section 9): the new credentials are valid from now on, the old ones until the new
  // ones are used for the first time. Media keeps going where it goes.
  void restart(Credentials local, std::string remote_ufrag);
  const Credentials& local() const { return next_ ? next_->local : current_.local; }

 private:
  struct Generation {
    Credentials local;
    std::string username;  // what a check must carry: "local:remote"
  };
  struct Path {
    Address address;
    TimePoint last_check{};
    TimePoint last_heard{};  // check or packet
    bool nominated = false;
    bool left = false;  // media went there once, and elsewhere since
  };

  static Generation generation(Credentials local, const std::string& remote_ufrag);
  bool accept_credentials(const stun::StunMessage& request);
  Path* find(const Address& address);
  const Path* find(const Address& address) const;
  Path& admit(TimePoint at, const Address& address);
  bool nominate(TimePoint at, Path& path);
  bool change(TimePoint at, const Address& to, Duration silence);

  Generation current_;
  std::optional<Generation> next_;
  std::vector<Path> paths_;  // remote_ is always among them
  std::optional<Address> remote_;
  std::optional<TimePoint> last_authenticated_;
  std::optional<TimePoint> last_change_;
  Duration hold_ = kFirstHold;
};

}  // namespace parley::ice
