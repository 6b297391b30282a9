// RTP from the network: the parser and its extensions, and reception statistics under any headers.
#include <array>
#include <cstdint>
#include <cstdlib>

#include "transport/rtp/header_extensions.hpp"
#include "transport/rtp/rtp_packet.hpp"
#include "transport/rtp/rtp_receiver.hpp"
#include "transport/rtp/ssrc_policy.hpp"

namespace {

using namespace parley;

void require(bool condition) {
  if (!condition) std::abort();
}

void read_extensions(const rtp::RtpPacket& packet) {
  std::size_t total = 0;
  rtp::ExtensionElements elements(packet);
  while (const auto element = elements.next()) {
    require(element->id != 0);
    total += element->data.size();
    rtp::parse_audio_level(element->data);
    rtp::parse_mixer_levels(element->data);
    require(rtp::find_extension(packet, element->id).has_value());
  }
  require(total <= packet.extension.size());
}

// What was read is written and read again: the same packet.
void write_back(const rtp::RtpPacket& packet) {
  std::array<std::uint8_t, 4096> block{}, out{};
  ByteWriter extension(block);
  if (packet.extension_profile != 0 || !packet.extension.empty()) {
    extension.u16(packet.extension_profile);
    extension.u16(static_cast<std::uint16_t>(packet.extension.size() / 4));
    extension.bytes(packet.extension);
  }
  if (!extension.ok()) return;
  const std::size_t size = rtp::write_rtp(out, packet.header, extension.written(), packet.payload);
  if (size == 0) return;
  const auto again = rtp::parse_rtp(Bytes(out).first(size));
  require(again.has_value());
  require(again->header.sequence == packet.header.sequence && again->header.ssrc == packet.header.ssrc);
  require(again->header.timestamp == packet.header.timestamp && again->header.csrc == packet.header.csrc);
  require(as_text(again->payload) == as_text(packet.payload));
  require(as_text(again->extension) == as_text(packet.extension));
}

// The same bytes as a series of arrivals.
void receive_series(Bytes data) {
  rtp::RtpReceiver receiver(48'000);
  rtp::SsrcPolicy policy;
  TimePoint at{1000s};
  ByteReader reader(data);
  while (reader.remaining() >= 8) {
    rtp::RtpHeader header;
    header.sequence = reader.u16();
    header.timestamp = reader.u32();
    header.ssrc = reader.u8() & 3;
    at += std::chrono::milliseconds(reader.u8());
    if (!policy.admit(at, header.ssrc)) continue;
    policy.accept(at, header.ssrc);
    receiver.receive(at, header);
    if (header.sequence % 16 == 0) receiver.take_report();
  }
  const auto stats = receiver.stats();
  require(stats.fraction_lost >= 0 && stats.fraction_lost <= 1);
  require(stats.jitter_ms >= 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes datagram(data, size);
  if (const auto packet = rtp::parse_rtp(datagram)) {
    read_extensions(*packet);
    write_back(*packet);
  }
  receive_series(datagram);
  return 0;
}
