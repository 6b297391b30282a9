// One end of a leg in tests: its certificate and credentials, what it said and what it heard.
#pragma once

#include <deque>
#include <memory>
#include <vector>

#include "transport/dtls/identity.hpp"
#include "transport/ice/credentials.hpp"
#include "transport/leg/leg.hpp"

namespace parley {

inline Address address(const char* text) {
  return *Address::parse(text);
}

struct End final : LegOutput {
  Address self;
  std::unique_ptr<dtls::Identity> identity = dtls::Identity::create().value();
  ice::Credentials credentials = ice::Credentials::random();
  std::unique_ptr<Leg> leg;
  std::deque<std::pair<Address, ByteBuffer>> outbox;
  std::deque<ByteBuffer> carried;  // for the stream connection
  std::vector<MediaPacket> heard;
  int connected = 0;
  std::optional<LegEnd> end;

  void send(const Address& to, const std::optional<IpAddress>& /*from*/, Bytes datagram) override {
    outbox.emplace_back(to, ByteBuffer(datagram.begin(), datagram.end()));
  }
  void send_carried(LegId /*leg*/, Bytes packet) override {
    carried.emplace_back(packet.begin(), packet.end());
  }
  void on_connected(LegId /*leg*/) override { ++connected; }
  void on_media(LegId /*leg*/, const MediaPacket& packet) override { heard.push_back(packet); }
  void on_end(LegId /*leg*/, LegEnd how) override { end = how; }
};

}  // namespace parley
