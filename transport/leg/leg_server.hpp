// The server's end of all legs: one UDP port, one thread (net-0). Demultiplexes STUN, DTLS, SRTP and SRTCP
// (RFC 7983), finds the leg by source address, answers plain STUN Binding requests, runs every leg's timers.
//
// Threads: the constructor opens the socket; run() is the body of net-0. post_… may be called from any
// thread; they return false when the command queue is full. LegServerEvents are called on net-0 and must not
// block.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "transport/base/result.hpp"
#include "transport/leg/leg.hpp"
#include "transport/net/udp_socket.hpp"

namespace parley {

class LegServerEvents {
 public:
  virtual ~LegServerEvents() = default;
  virtual void on_connected(LegId leg, const Address& remote) noexcept = 0;
  // `route` is LegConfig::route.
  virtual void on_media(LegId leg, std::uint32_t route, const MediaPacket& packet) noexcept = 0;
  virtual void on_end(LegId leg, LegEnd end) noexcept = 0;
  // The leg's media now goes to another address.
  virtual void on_rebound(LegId /*leg*/, const Address& /*remote*/) noexcept {}
  // A packet for the leg's stream connection (Leg::set_carrier).
  virtual void on_carried(LegId /*leg*/, Bytes /*packet*/) noexcept {}
  // About once a second for each leg.
  virtual void on_traffic(LegId leg, std::uint32_t route, const LegTraffic& traffic) noexcept = 0;
};

struct LegServerStats {
  net::SocketStats socket;
  std::uint64_t stun_answered = 0;   // plain Binding requests
  std::uint64_t stun_refused = 0;    // malformed, unknown ufrag, rate limit
  std::uint64_t unknown_source = 0;  // DTLS or RTP from an address that belongs to no leg
  std::uint64_t unknown_kind = 0;    // neither STUN, DTLS nor RTP
  std::uint64_t rebinds = 0;         // legs that moved to another address
  LegTraffic traffic;  // sums over the legs, dead ones too (rates and delays are meaningless here)
  std::uint64_t commands_refused = 0;  // queue full
  std::uint64_t frames_dropped = 0;    // queue full
  std::uint64_t carried_dropped = 0;   // likewise, of packets of stream connections
  std::uint64_t legs = 0;
  // From a frame's making on the mix thread to its last packet's leaving: bucket i counts [i, i+1) ms.
  std::array<std::uint64_t, 128> send_wait{};
};

class LegServer {
 public:
  // `second_listen`: for the questions of BindingService.
  static Result<std::unique_ptr<LegServer>> open(const Address& listen, const dtls::Identity& identity,
                                                 LegServerEvents& events,
                                                 const std::optional<Address>& second_listen = {});
  ~LegServer();
  LegServer(const LegServer&) = delete;
  LegServer& operator=(const LegServer&) = delete;

  Address local() const;
  void run();   // until stop(); says goodbye on every leg before it returns
  void stop();  // any thread

  bool post_add(LegConfig config);
  bool post_remove(LegId leg);
  bool post_ice_restart(LegId leg, std::string local_ufrag, std::string local_pwd, std::string remote_ufrag,
                        std::string remote_pwd);
  bool post_carrier(LegId leg, Carrier carrier);
  // A packet that came by the leg's stream connection at `arrival`. One thread only. False: dropped, because
  // the queue is full or the packet longer than kMaxCarriedPacket.
  bool post_carried(LegId leg, TimePoint arrival, Bytes packet);
  // One packet for many legs (the payload is copied, RTP header and protection are per leg). Frames of one
  // tick are posted together, then wake() once: they leave in one batch.
  bool post_frame(const RtpOut& frame, std::span<const LegId> legs);
  void wake();

  LegServerStats stats() const;  // any thread

 private:
  class Impl;
  explicit LegServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace parley
