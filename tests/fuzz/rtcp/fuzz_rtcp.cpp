// RTCP from the network: every parser, and the session that believes what it reads.
#include <array>
#include <cstdint>
#include <cstdlib>

#include "transport/rtcp/bye.hpp"
#include "transport/rtcp/compound.hpp"
#include "transport/rtcp/receiver_report.hpp"
#include "transport/rtcp/rtcp_session.hpp"
#include "transport/rtcp/sdes.hpp"
#include "transport/rtcp/sender_report.hpp"

namespace {

using namespace parley;

constexpr std::uint32_t kOwn = 1, kRemote = 2;

void require(bool condition) {
  if (!condition) std::abort();
}

void read_all(Bytes datagram) {
  auto compound = rtcp::Compound::parse(datagram);
  if (!compound) return;
  std::size_t total = 0;
  while (const auto packet = compound->next()) {
    total += 4 + packet->body.size();
    if (const auto sr = rtcp::parse_sender_report(*packet))
      for (std::size_t i = 0; i < sr->blocks.size(); ++i) require(sr->blocks[i].cumulative_lost >= -0x800000);
    if (const auto rr = rtcp::parse_receiver_report(*packet))
      for (std::size_t i = 0; i < rr->blocks.size(); ++i) require(rr->blocks[i].cumulative_lost <= 0x7fffff);
    if (const auto cname = rtcp::find_cname(*packet, kRemote)) require(cname->size() <= rtcp::kMaxCname);
    if (const auto bye = rtcp::parse_bye(*packet)) bye->names(kRemote);
  }
  require(total <= datagram.size());
}

// A leg in mid-call that gets the datagram as it is, a second later once more, and answers.
void converse(Bytes datagram) {
  const TimePoint start{1000s};
  rtp::RtpSender sender(kOwn, 111, 48'000, 65'500, 0);
  rtp::RtpReceiver receiver(48'000);
  rtcp::RtcpSession session("fuzz", sender, receiver, start, 1);
  for (std::uint16_t i = 0; i < 100; ++i) {
    sender.next(i * 960U, i % 3, false);
    sender.count_sent(start + i * 20ms, 80);
  }
  rtp::RtpHeader header;
  header.ssrc = kRemote;
  receiver.receive(start, header);

  std::array<std::uint8_t, rtcp::RtcpSession::kMaxCompound> out{};
  require(session.write_report(start + 2s, 0x0000'1111'2222'0000, out) > 0);
  session.receive(start + 3s, datagram);
  session.receive(start + 4s, datagram);
  require(session.write_report(start + 5s, 0x0000'1114'2222'0000, out) > 0);
  if (session.round_trip()) require(*session.round_trip() >= 0s);
  if (session.remote())
    require(session.remote()->fraction_lost >= 0 && session.remote()->fraction_lost <= 1 &&
            session.remote()->lost <= 0x7fffff && session.remote()->jitter_ms >= 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes datagram(data, size);
  read_all(datagram);
  converse(datagram);
  return 0;
}
