// Packets of a leg that a WebSocket carries: whatever frames a client sends, in whatever order, with changes
// of carrier between them. Input: records of a length (two bytes; the top bits choose a change of carrier)
// and so many bytes.
#include <cstdint>
#include <cstdlib>
#include <memory>

#include "transport/dtls/identity.hpp"
#include "transport/ice/credentials.hpp"
#include "transport/leg/leg.hpp"

namespace {

using namespace parley;

void require(bool condition) {
  if (!condition) std::abort();
}

struct Ear final : LegOutput {
  std::size_t media = 0;
  bool ended = false;
  void send(const Address&, const std::optional<IpAddress>&, Bytes) override {
    std::abort();  // nobody has shown an address
  }
  void send_carried(LegId, Bytes packet) override { require(packet.size() <= kMaxCarriedPacket); }
  void on_connected(LegId) override {}
  void on_media(LegId, const MediaPacket& packet) override {
    require(!ended && packet.size > 0 && packet.size <= MediaPacket::kMaxPayload);
    ++media;
  }
  void on_end(LegId, LegEnd) override {
    require(!ended);
    ended = true;
  }
};

const dtls::Identity& identity() {
  static const auto made = dtls::Identity::create().value();
  return *made;
}

LegConfig config() {
  LegConfig out;
  out.id = LegId{1};
  const auto ours = ice::Credentials::random(), theirs = ice::Credentials::random();
  out.local_ufrag = ours.ufrag;
  out.local_pwd = ours.pwd;
  out.remote_ufrag = theirs.ufrag;
  out.remote_pwd = theirs.pwd;
  out.remote_fingerprint = identity().fingerprint();
  out.local_ssrc = 1;
  out.cname = "fuzz";
  out.audio_level_id = 1;
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  TimePoint at{1000s};
  Ear ear;
  Leg leg(config(), &identity(), ear, at);
  leg.set_carrier(at, Carrier::websocket);
  ByteReader reader({data, size});
  std::size_t frames = 0;
  while (reader.remaining() >= 2) {
    const auto head = reader.u16();
    const auto length = std::min<std::size_t>(head & 0x0fffU, reader.remaining());
    const Bytes frame = reader.take(length);
    if (head >> 14U != 0) leg.set_carrier(at, static_cast<Carrier>((head >> 14U) - 1));
    leg.receive_carried(at, frame);
    ++frames;
    at += 7ms;
    if (at >= leg.next_timeout()) leg.on_timer(at);
  }
  require(ear.media <= frames);
  require(leg.traffic().packets_in <= frames);
  return 0;
}
