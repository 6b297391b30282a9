// The server's end of all legs: one UDP port, one thread (net-0). Demultiplexes STUN, DTLS, SRTP and SRTCP
// (RFC 7983), finds the leg by source address, answers plain STUN Binding requests, runs every leg's timers.
//
// Threads: the constructor opens the socket; run() is the body of net-0. post_… may be called from any
// thread; they return false when the command queue is full. LegServerEvents are called on net-0 and must not
// block.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
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
  virtual void on_media(LegId leg, const MediaPacket& packet) noexcept = 0;
  virtual void on_end(LegId leg, LegEnd end) noexcept = 0;
  // About once a second for each leg.
  virtual void on_traffic(LegId leg, const LegTraffic& traffic) noexcept = 0;
};

struct LegServerStats {
  net::SocketStats socket;
  std::uint64_t stun_answered = 0;   // plain Binding requests
  std::uint64_t stun_refused = 0;    // malformed, unknown ufrag, wrong integrity, rate limit
  std::uint64_t unknown_source = 0;  // DTLS or RTP from an address that belongs to no leg
  std::uint64_t unknown_kind = 0;    // neither STUN, DTLS nor RTP
  std::uint64_t refused = 0;         // by legs: ssrc, payload type, tag, replay
  std::uint64_t rebinds = 0;
  std::uint64_t commands_refused = 0;  // queue full
  std::size_t legs = 0;
};

// A frame for many legs, made by a mix thread. Pooled; payload and lists are copied in.
struct FrameForLegs {
  static constexpr std::size_t kMaxContributors = 15;
  std::array<std::uint8_t, MediaPacket::kMaxPayload> payload;
  std::uint16_t size = 0;
  std::uint16_t holes_before = 0;
  bool marker = false;
  std::uint64_t media_time = 0;
  TimePoint made{};
  std::uint8_t contributor_count = 0;
  std::array<CsrcLevel, kMaxContributors> contributors;
  std::vector<LegId> legs;  // capacity is kept between uses
};

class LegServer {
 public:
  static Result<std::unique_ptr<LegServer>> open(const Address& listen, const dtls::Identity& identity,
                                                 LegServerEvents& events);
  ~LegServer();
  LegServer(const LegServer&) = delete;
  LegServer& operator=(const LegServer&) = delete;

  Address local() const;
  void run();  // until stop(); says goodbye on every leg before it returns
  void stop();

  bool post_add(LegConfig config);
  bool post_remove(LegId leg);
  bool post_ice_restart(LegId leg, std::string local_ufrag, std::string local_pwd, std::string remote_ufrag,
                        std::string remote_pwd);
  // Media out: fills a free cell of the bounded queue in place. False (and counted) when full.
  template <typename Fill>
  bool post_frame(Fill&& fill);

  LegServerStats stats() const;  // any thread

 private:
  class Impl;
  explicit LegServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace parley
