#include "tests/bench/bare_parts.hpp"

#include <opus/opus.h>
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <memory>
#include <vector>

#include "tests/support/speech.hpp"
#include "transport/base/bytes.hpp"
#include "transport/base/check.hpp"
#include "transport/net/udp_socket.hpp"
#include "transport/srtp/srtp_session.hpp"

namespace parley::bench {
namespace {

constexpr int kFrame = 960;
constexpr std::size_t kPayload = 80;  // 32 kbit/s
constexpr int kBatch = 50;
constexpr int kBatches = 61;

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// `call` gets 0, 1, 2 ... ; one figure for each batch of kBatch calls.
double measure(const std::function<void(std::size_t)>& call) {
  std::vector<double> figures;
  for (std::size_t i = 0; figures.size() < kBatches; i += kBatch) {
    const double before = thread_cpu_us();
    for (std::size_t k = 0; k < kBatch; ++k) call(i + k);
    figures.push_back((thread_cpu_us() - before) / kBatch);
  }
  return median(figures);
}

struct Coder {
  std::unique_ptr<OpusEncoder, void (*)(OpusEncoder*)> encoder{nullptr, opus_encoder_destroy};
  std::vector<std::vector<unsigned char>> packets;
  double encode_us = 0;
  double decode_us = 0;
};

Coder codec(int application, int bitrate, int complexity, bool fec) {
  static const std::vector<float> voice = test::speech(20, 3, {.pause_seconds = 0});
  int error = 0;
  Coder out;
  out.encoder.reset(opus_encoder_create(48'000, 1, application, &error));
  opus_encoder_ctl(out.encoder.get(), OPUS_SET_BITRATE(bitrate));
  opus_encoder_ctl(out.encoder.get(), OPUS_SET_COMPLEXITY(complexity));
  opus_encoder_ctl(out.encoder.get(), OPUS_SET_DTX(1));
  opus_encoder_ctl(out.encoder.get(), OPUS_SET_INBAND_FEC(fec ? 1 : 0));
  opus_encoder_ctl(out.encoder.get(), OPUS_SET_PACKET_LOSS_PERC(fec ? 10 : 0));
  const std::size_t frames = voice.size() / kFrame;
  out.encode_us = measure([&](std::size_t i) {
    std::vector<unsigned char> packet(1'275);
    const int size = opus_encode_float(out.encoder.get(), voice.data() + i % frames * kFrame, kFrame,
                                       packet.data(), 1'275);
    packet.resize(static_cast<std::size_t>(std::max(size, 1)));
    out.packets.push_back(std::move(packet));
  });
  std::unique_ptr<OpusDecoder, void (*)(OpusDecoder*)> decoder(opus_decoder_create(48'000, 1, &error),
                                                               opus_decoder_destroy);
  std::vector<float> pcm(kFrame);
  out.decode_us = measure([&](std::size_t i) {
    const auto& packet = out.packets[i % out.packets.size()];
    const int samples = opus_decode_float(decoder.get(), packet.data(), static_cast<int>(packet.size()),
                                          pcm.data(), kFrame, 0);
    PARLEY_ASSERT(samples == kFrame);
  });
  return out;
}

srtp::MasterKey key(std::uint8_t first) {
  ByteBuffer bytes(srtp::kKeyLength + srtp::salt_length(srtp::Profile::aead_aes_128_gcm), first);
  srtp::MasterKey out;
  out.assign(Bytes(bytes).first(srtp::kKeyLength), Bytes(bytes).subspan(srtp::kKeyLength));
  return out;
}

void encryption(BareParts& parts) {
  const auto profile = srtp::Profile::aead_aes_128_gcm;
  const auto sender = srtp::Session::create({profile, key(1), key(2)}).value();
  const auto receiver = srtp::Session::create({profile, key(2), key(1)}).value();
  std::vector<ByteBuffer> packets(kBatch * kBatches, ByteBuffer(kPayload + 40));
  for (std::size_t i = 0; i < packets.size(); ++i) {
    ByteWriter writer(packets[i]);
    writer.u8(0x80);
    writer.u8(111);
    writer.u16(static_cast<std::uint16_t>(i));
    writer.u32(static_cast<std::uint32_t>(i) * kFrame);
    writer.u32(1);
  }
  std::size_t size = 0;
  parts.protect =
      measure([&](std::size_t i) { size = sender->protect_rtp(packets[i], 12 + kPayload).value_or(0); });
  parts.unprotect = measure([&](std::size_t i) { receiver->unprotect_rtp(packets[i], size); });
}

void socket(BareParts& parts) {
  const Address any{IpAddress::v4(0x7f000001), 0};
  const auto from = net::UdpSocket::open(any).value();
  const auto to = net::UdpSocket::open(any).value();
  const ByteBuffer packet(12 + kPayload + 16);
  std::vector<double> sent;
  std::vector<double> received;
  for (int i = 0; i < kBatches; ++i) {
    const double before = thread_cpu_us();
    for (int k = 0; k < kBatch; ++k) from->queue(to->local(), std::nullopt, packet);
    from->flush();
    const double between = thread_cpu_us();
    std::size_t count = 0;
    for (std::size_t some = 1; some > 0 && count < kBatch; count += some)
      some = to->receive([](const net::Datagram&) {});
    sent.push_back((between - before) / kBatch);
    received.push_back((thread_cpu_us() - between) / kBatch);
  }
  parts.send = median(sent);
  parts.receive = median(received);
}

}  // namespace

double thread_cpu_us() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) / 1e3;
}

BareParts measure_bare_parts() {
  BareParts parts;
  const Coder low_delay = codec(OPUS_APPLICATION_RESTRICTED_LOWDELAY, 40'000, 7, false);
  const Coder voice = codec(OPUS_APPLICATION_VOIP, 32'000, 5, false);
  const Coder fec = codec(OPUS_APPLICATION_VOIP, 32'000, 5, true);
  parts.decode_voice = voice.decode_us;
  parts.decode_low_delay = low_delay.decode_us;
  parts.encode_low_delay = low_delay.encode_us;
  parts.encode_voice_fec = fec.encode_us;
  encryption(parts);
  socket(parts);
  return parts;
}

void print(const BareParts& parts) {
  std::printf(
      "bare parts, us of CPU per packet of 20 ms: decode voice %.1f, low-delay %.1f; encode low-delay %.1f, "
      "voice with "
      "FEC %.1f; SRTP out %.2f, in %.2f; socket out %.2f, in %.2f\n",
      parts.decode_voice, parts.decode_low_delay, parts.encode_low_delay, parts.encode_voice_fec,
      parts.protect, parts.unprotect, parts.send, parts.receive);
  std::fflush(stdout);
}

}  // namespace parley::bench
