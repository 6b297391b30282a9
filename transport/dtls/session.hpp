// One DTLS association of a leg (RFC 6347 handshake, RFC 5764 keys for SRTP): its only product is SrtpKeys.
//
// Datagrams come in one at a time by receive() and leave one at a time through DatagramSink, also from within
// start(), receive(), on_timer() and close(); the sink must not call back into the session.
// No OpenSSL object exists before start() or the first datagram, so feed it only what came from an address
// that ICE has validated.
//
// Time is an argument but for one thing: OpenSSL measures its retransmission delay on the wall clock
// (session.cpp tells how the two are joined). A test in virtual time links parley_openssl_clock, which puts
// OpenSSL into it too.
//
// Threads: owned by the leg's thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "transport/base/bytes.hpp"
#include "transport/base/time.hpp"
#include "transport/dtls/fingerprint.hpp"
#include "transport/srtp/srtp_keys.hpp"

namespace parley::dtls {

class Identity;

enum class Role : std::uint8_t {
  active,
  passive
};  // a=setup: active is the DTLS client (RFC 5763 section 5)

enum class State : std::uint8_t {
  idle,  // passive: no datagram yet; active: start() not called
  handshaking,
  connected,  // keys() is set
  failed,     // failure() tells why; keys were never exported
  closed,     // close_notify came or went; keys() stays
};

enum class FailureReason : std::uint8_t {
  none,
  wrong_certificate,  // the peer's certificate is not the one of the SDP
  no_srtp_profile,    // handshake fine, but no SRTP profile in common
  refused,  // handshake failed: nothing in common, a message that makes no sense, or the peer said so
  timeout,  // not finished in kHandshakeLimit, or one flight unanswered for about 10 s
};
const char* to_string(FailureReason reason);

class DatagramSink {
 public:
  virtual ~DatagramSink() = default;
  virtual void send_datagram(Bytes datagram) = 0;  // at most the session's MTU
};

class Session {
 public:
  static constexpr std::size_t kMtu = 1'200;  // UDP payload bytes: fits every path that IPv6 fits
  static constexpr Duration kHandshakeLimit = 30s;
  static constexpr Duration kFirstRetransmission = 60ms;  // doubling to
  static constexpr Duration kLastRetransmission = 1s;

  Session(const Identity& identity, Role role, Fingerprint expected_peer, DatagramSink& sink,
          std::size_t mtu = kMtu);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  void start(TimePoint at);  // active: sends the ClientHello. passive: nothing to do.
  void receive(TimePoint at, Bytes datagram);
  void on_timer(TimePoint at);
  TimePoint next_timeout() const;  // TimePoint::max(): none
  void close();                    // sends close_notify if connected

  State state() const;
  FailureReason failure() const;
  const std::optional<srtp::SrtpKeys>& keys() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace parley::dtls
