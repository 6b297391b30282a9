// What carries a leg's packets between a client and the server.
#pragma once

#include <cstddef>
#include <cstdint>

namespace parley {

enum class Carrier : std::uint8_t {
  udp,        // the rule: ICE, DTLS-SRTP
  websocket,  // UDP does not get through: RTP and RTCP as binary frames of the signalling connection
  both,       // on the way back to UDP: every packet goes both ways, the receiver drops the second one
};

constexpr const char* to_string(Carrier carrier) {
  switch (carrier) {
    case Carrier::udp:
      return "udp";
    case Carrier::websocket:
      return "websocket";
    case Carrier::both:
      break;
  }
  return "both";
}

// A packet that a stream connection carries: no longer than a datagram would be.
inline constexpr std::size_t kMaxCarriedPacket = 1'600;

}  // namespace parley
