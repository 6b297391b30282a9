#include "pipelines/recorder/opus_reader.hpp"

#include <opus.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "pipelines/recorder/ogg_input.hpp"
#include "pipelines/recorder/ogg_page.hpp"

namespace parley::recorder {
namespace {

constexpr std::int32_t kRate = 48'000;
constexpr std::size_t kMaxPacket = 5'760;  // samples: 120 ms
// What damaged pages held; a larger hole than this in the positions is a mistake, not a hole.
constexpr std::uint64_t kMaxHole = 600ULL * kRate;
// A pause is filled with packets of one byte, which a decoder conceals: it fades, or makes comfort noise for
// ever. After a second of it there is silence.
constexpr int kLongPause = 50;

struct Destroy {
  void operator()(OpusDecoder* decoder) const { opus_decoder_destroy(decoder); }
};

std::uint32_t get_le(Bytes data, std::size_t at, std::size_t bytes) {
  std::uint32_t value = 0;
  for (std::size_t i = bytes; i-- > 0;) value = value << 8U | data[at + i];
  return value;
}

std::uint64_t samples_of(Bytes packet) {
  const int samples = packet.empty() ? 0
                                     : opus_packet_get_nb_samples(
                                           packet.data(), static_cast<opus_int32>(packet.size()), kRate);
  return samples > 0 ? static_cast<std::uint64_t>(samples) : 0;
}

class OpusReader final : public TrackReader {
 public:
  explicit OpusReader(std::unique_ptr<ByteSource> source)
      : input_(std::move(source)), decoder_(opus_decoder_create(kRate, 1, nullptr)) {}

  Status begin() {
    const auto first = input_.next(page_);
    if (!first) return first.error();
    if (!*first || page_.packets.empty()) return Error{"its first page is damaged"};
    const Bytes head = page_.packets.front();
    // RFC 7845 section 5.1: a greater major version is another format, mapping family 0 one stream.
    if (head.size() < 19 || as_text(head).substr(0, 8) != "OpusHead" || head[8] >= 16 || head[18] != 0)
      return Error{"its Opus header is of no kind that is known here"};
    if (decoder_ == nullptr) return Error{"no memory for a decoder"};
    serial_ = page_.serial;
    skip_ = get_le(head, 10, 2);
    const auto gain = static_cast<std::int16_t>(get_le(head, 16, 2));  // dB, Q7.8
    if (gain != 0) opus_decoder_ctl(decoder_.get(), OPUS_SET_GAIN(gain));
    return Done{};
  }

  Result<std::size_t> read(std::span<float> out) override {
    std::size_t filled = 0;
    while (filled < out.size()) {
      if (silence_ == 0 && at_ == count_) {
        const auto more = decode_next();
        if (!more) return more.error();
        if (!*more) break;
      }
      const auto room = out.subspan(filled);
      const bool silent = silence_ > 0;
      auto count = std::min<std::uint64_t>(room.size(), silent ? silence_ : count_ - at_);
      if (skip_ > 0) {
        count = std::min<std::uint64_t>(skip_, silent ? silence_ : count_ - at_);
        skip_ -= count;
      } else {
        if (silent)
          std::fill_n(room.begin(), count, 0.0F);
        else
          std::copy_n(&pcm_[at_], count, room.begin());
        filled += count;
      }
      if (silent)
        silence_ -= count;
      else
        at_ += count;
    }
    return filled;
  }
  std::uint64_t damaged() const override { return input_.skipped() + refused_; }

 private:
  // Makes pcm_ or silence_ hold something. False: the end.
  Result<bool> decode_next() {
    for (;;) {
      if (next_ < page_.packets.size() && headers_left_ == 0) {
        decode(page_.packets[next_++]);
        if (silence_ > 0 || count_ > 0) return true;
        continue;
      }
      if (headers_left_ == 0 && (page_.flags & kOggLast) != 0) return false;
      const auto more = input_.next(page_);
      if (!more || !*more) return more;
      next_ = 0;
      if (page_.serial != serial_) {
        page_.packets.clear();
        page_.flags = 0;
        continue;
      }
      // Ours never do: the end of a packet that began on the page before.
      constexpr std::uint8_t kContinued = 1;
      if ((page_.flags & kContinued) != 0 && !page_.packets.empty())
        page_.packets.erase(page_.packets.begin());
      if (headers_left_ > 0) {  // the comments
        --headers_left_;
        next_ = page_.packets.size();
        continue;
      }
      if (begin_page()) return true;
    }
  }

  // The granule position is that of the page's end. True: a hole before it is filled first.
  bool begin_page() {
    std::uint64_t samples = 0;
    for (const Bytes packet : page_.packets) samples += samples_of(packet);
    limit_ = (page_.flags & kOggLast) != 0 ? page_.granule : UINT64_MAX;
    const bool last = limit_ != UINT64_MAX;  // its granule position may cut samples off
    const auto begins = page_.granule > samples ? page_.granule - samples : 0;
    if (last || begins <= position_ || begins - position_ > kMaxHole) return false;
    silence_ = begins - position_;
    position_ = begins;
    return true;
  }

  void decode(Bytes packet) {
    at_ = count_ = 0;
    const auto samples = samples_of(packet);
    if (samples == 0) {
      ++refused_;
      return;
    }
    const auto wanted = limit_ > position_ ? std::min(samples, limit_ - position_) : 0;
    position_ += samples;
    pause_ = packet.size() == 1 ? pause_ + 1 : 0;
    if (pause_ > kLongPause) {
      silence_ = wanted;
      return;
    }
    const int got = opus_decode_float(decoder_.get(), packet.data(), static_cast<opus_int32>(packet.size()),
                                      pcm_.data(), kMaxPacket, 0);
    if (got <= 0) {
      ++refused_;
      silence_ = wanted;
      return;
    }
    count_ = std::min<std::uint64_t>(static_cast<std::uint64_t>(got), wanted);
    if (pause_ == kLongPause)  // faded out
      for (std::size_t i = 0; i < count_; ++i)
        pcm_[i] *= static_cast<float>(count_ - i) / static_cast<float>(count_);
  }

  OggInput input_;
  std::unique_ptr<OpusDecoder, Destroy> decoder_;
  OggPageView page_;
  std::uint32_t serial_ = 0;
  int headers_left_ = 1;
  std::size_t next_ = 0;        // packet of the page
  std::uint64_t position_ = 0;  // of what has been decoded, pre-skip included
  std::uint64_t limit_ = UINT64_MAX;
  std::uint64_t skip_ = 0;
  std::uint64_t silence_ = 0;  // samples, before pcm_
  std::array<float, kMaxPacket> pcm_{};
  std::size_t at_ = 0, count_ = 0;
  int pause_ = 0;  // packets
  std::uint64_t refused_ = 0;
};

}  // namespace

Result<std::unique_ptr<TrackReader>> open_opus(std::unique_ptr<ByteSource> source) {
  auto reader = std::make_unique<OpusReader>(std::move(source));
  if (auto begun = reader->begin(); !begun) return begun.error();
  return std::unique_ptr<TrackReader>(std::move(reader));
}

}  // namespace parley::recorder
