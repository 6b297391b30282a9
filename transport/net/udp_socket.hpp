// A UDP socket for media: non-blocking, batched (recvmmsg, sendmmsg), and it answers from the address a
// packet came to (IP_PKTINFO / IPV6_PKTINFO): a socket bound to 0.0.0.0 that answers from another address of
// the host is the commonest reason why a browser never connects.
//
// Threads: one owner thread. Units: bytes; arrival times are read once per batch, or are the kernel's.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "transport/base/address.hpp"
#include "transport/base/bytes.hpp"
#include "transport/base/result.hpp"
#include "transport/base/time.hpp"

namespace parley::net {

struct Datagram {
  Address from;
  std::optional<IpAddress> to;  // the local address it came to
  Bytes data;                   // valid during the callback
  TimePoint arrival{};
};

struct SocketStats {
  std::uint64_t received = 0, sent = 0, truncated = 0, send_dropped = 0, send_errors = 0, batches_in = 0,
                batches_out = 0;
  std::uint64_t receive_errors = 0;   // ICMP errors and the like: never fatal
  std::uint64_t receive_dropped = 0;  // by the kernel, because the receive buffer was full
};

class UdpSocket {
 public:
  // Error names the address and the cause ("address in use").
  static Result<std::unique_ptr<UdpSocket>> open(const Address& bind_to);
  ~UdpSocket();
  UdpSocket(const UdpSocket&) = delete;
  UdpSocket& operator=(const UdpSocket&) = delete;

  // From now on a datagram's arrival is when the kernel got it, not when it was read. For measurements: what
  // a reader's own lateness costs must not be taken for the network's.
  void stamp_by_kernel();

  int fd() const;
  Address local() const;  // with the port the kernel chose when 0 was asked for

  // Reads up to `max` datagrams that are there; returns how many. Datagrams longer than 2048 bytes are
  // dropped and counted as truncated.
  std::size_t receive(const std::function<void(const Datagram&)>& each, std::size_t max = 256);

  // Queues a datagram (copied into the batch); flush() sends the batch by sendmmsg. A full kernel buffer
  // drops and counts: media is never queued behind a slow network card. One datagram that cannot be sent (no
  // route, too long) is counted and left out; the others go. `each` of receive() may call both.
  void queue(const Address& to, const std::optional<IpAddress>& from, Bytes data);
  void flush();

  SocketStats stats() const;  // any thread

 private:
  class Impl;
  explicit UdpSocket(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// RFC 7983 section 7: what a first byte says.
enum class PacketKind : std::uint8_t { stun, dtls, rtp_or_rtcp, unknown };
PacketKind classify(Bytes datagram);
// RFC 5761 section 4: an RTCP packet among RTP ones.
bool is_rtcp(Bytes datagram);

}  // namespace parley::net
