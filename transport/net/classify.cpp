#include "transport/net/udp_socket.hpp"

namespace parley::net {

PacketKind classify(Bytes datagram) {
  if (datagram.empty()) return PacketKind::unknown;
  const std::uint8_t first = datagram[0];
  if (first <= 3) return PacketKind::stun;
  if (first >= 20 && first <= 63) return PacketKind::dtls;
  if (first >= 128 && first <= 191) return PacketKind::rtp_or_rtcp;
  return PacketKind::unknown;
}

bool is_rtcp(Bytes datagram) {
  return datagram.size() >= 2 && classify(datagram) == PacketKind::rtp_or_rtcp && datagram[1] >= 192 &&
         datagram[1] <= 223;
}

}  // namespace parley::net
