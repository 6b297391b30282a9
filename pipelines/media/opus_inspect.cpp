#include "pipelines/media/opus_inspect.hpp"

#include <opus.h>

#include <algorithm>
#include <array>

namespace parley::media {

namespace {

constexpr int kMaxFrames = 48;  // RFC 6716 section 3.2.5: 120 ms of 2.5 ms frames

OpusMode mode_of(int config) {
  if (config < 12) return OpusMode::silk;
  return config < 16 ? OpusMode::hybrid : OpusMode::celt;
}

// RFC 6716 section 4.2.3: the header bits of a SILK frame, one voice activity bit for each 20 ms and the LBRR
// flag, first of the mid channel, then of the side channel. Coded with even odds, they are the top bits of
// the first byte.
struct HeaderBits {
  bool voice;
  bool lbrr;
};

HeaderBits header_bits(std::uint8_t first, int silk_frames, bool stereo) {
  const auto channel = [silk_frames](unsigned bits) {
    const unsigned vad_mask = 0xffU << (8 - silk_frames);
    return HeaderBits{(bits & vad_mask & 0xffU) != 0, (bits >> (7 - silk_frames) & 1U) != 0};
  };
  HeaderBits both = channel(first);
  if (stereo) {
    const HeaderBits side = channel(static_cast<unsigned>(first) << (silk_frames + 1));
    both.voice |= side.voice;
    both.lbrr |= side.lbrr;
  }
  return both;
}

}  // namespace

OpusInfo inspect_opus(Bytes payload) {
  OpusInfo info;
  if (payload.empty() || payload.size() > 0x7fff'ffff) return info;

  std::array<const unsigned char*, kMaxFrames> frames{};
  std::array<opus_int16, kMaxFrames> sizes{};
  unsigned char toc = 0;
  const int count = opus_packet_parse(payload.data(), static_cast<opus_int32>(payload.size()), &toc,
                                      frames.data(), sizes.data(), nullptr);
  if (count <= 0) return info;

  const int frame_samples = opus_packet_get_samples_per_frame(payload.data(), 48'000);
  info.valid = true;
  info.mode = mode_of(toc >> 3);
  info.stereo = (toc & 4) != 0;
  info.frames = count;
  info.duration = Duration(std::int64_t{count} * frame_samples * 1'000'000 / 48);
  info.dtx = std::all_of(sizes.begin(), sizes.begin() + count, [](opus_int16 size) { return size <= 1; });
  if (info.mode == OpusMode::celt) return info;

  const int silk_frames = std::max(1, frame_samples / 960);
  for (int i = 0; i < count; ++i) {
    if (sizes[i] < 2) continue;
    const HeaderBits bits = header_bits(frames[i][0], silk_frames, info.stereo);
    if (bits.voice) info.voice = VoiceBit::set;
    if (info.voice == VoiceBit::unknown) info.voice = VoiceBit::clear;
    if (i == 0) info.has_fec = bits.lbrr;
  }
  return info;
}

}  // namespace parley::media
