// SRTP and SRTCP of one leg, both directions (RFC 3711, RFC 7714), over libsrtp2.
//
// Packets are changed in place. Outbound, the buffer needs kMaxOverhead bytes of room behind the packet.
// Inbound, a packet is authenticated before any state is made for its SSRC; after that at most
// kMaxInboundSsrcs SSRCs are remembered and the one heard least recently makes room, so a peer that invents
// SSRCs costs nobody anything.
//
// Threads: owned by the leg's thread. No clock, no allocation per packet (one per new SSRC).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "transport/base/result.hpp"
#include "transport/srtp/srtp_keys.hpp"

struct srtp_ctx_t_;

namespace parley::srtp {

enum class Failure : std::uint8_t {
  none,
  authentication,  // wrong tag: not from the peer, or damaged
  replay,          // seen before, or older than the window of kReplayWindow packets
  other,           // not an RTP/RTCP packet, no room for the tag, key used up
};

class Session {
 public:
  static constexpr std::size_t kMaxInboundSsrcs = 4;
  static constexpr std::size_t kMaxOverhead = 16 + 4;  // GCM tag, and the SRTCP index
  static constexpr std::size_t kReplayWindow = 1'024;

  // Initialises libsrtp on first use. The error names what libsrtp refused.
  static Result<std::unique_ptr<Session>> create(const SrtpKeys& keys);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Each takes the packet in buffer[0, length) and returns its new length, or nothing and last_failure()
  // tells why.
  std::optional<std::size_t> protect_rtp(std::span<std::uint8_t> buffer, std::size_t length);
  std::optional<std::size_t> unprotect_rtp(std::span<std::uint8_t> buffer, std::size_t length);
  std::optional<std::size_t> protect_rtcp(std::span<std::uint8_t> buffer, std::size_t length);
  std::optional<std::size_t> unprotect_rtcp(std::span<std::uint8_t> buffer, std::size_t length);

  // So many roll-overs of this inbound SSRC's sequence number came another way and were not seen here (RFC
  // 3711 section 3.3.1). Counts from the next packet that authenticates; an SSRC never seen is left alone.
  void advance_roll_over(std::uint32_t ssrc, std::uint32_t by);

  Failure last_failure() const { return last_failure_; }
  std::size_t inbound_ssrcs() const { return ssrc_count_; }

 private:
  struct Deleter {
    void operator()(srtp_ctx_t_* context) const;
  };
  using Context = std::unique_ptr<srtp_ctx_t_, Deleter>;

  Session(Context outbound, Context inbound);
  std::optional<std::size_t> finish(int status, int length);
  void note_inbound(std::uint32_t ssrc);

  Context outbound_;
  Context inbound_;
  std::array<std::uint32_t, kMaxInboundSsrcs> ssrcs_{};  // inbound, most recently heard first
  std::size_t ssrc_count_ = 0;
  Failure last_failure_ = Failure::none;
};

}  // namespace parley::srtp
