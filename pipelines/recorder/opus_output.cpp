#include "pipelines/recorder/opus_output.hpp"

#include <array>

#include "pipelines/media/opus_inspect.hpp"
#include "pipelines/recorder/comment_header.hpp"

namespace parley::recorder {
namespace {

constexpr std::uint32_t kTenMs = 480, kTwentyMs = 960;
// CELT, full band, 20 ms, mono, silence: before anything was heard there is no TOC to repeat.
constexpr std::array<std::uint8_t, 3> kSilence = {0xf8, 0xff, 0xfe};

void put_le(ByteBuffer& out, std::uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}
void put_text(ByteBuffer& out, std::string_view text) {
  out.insert(out.end(), text.begin(), text.end());
}

// RFC 7845 section 5.1.
ByteBuffer opus_head(bool stereo) {
  ByteBuffer out;
  put_text(out, "OpusHead");
  put_le(out, 1, 1);
  put_le(out, stereo ? 2 : 1, 1);
  put_le(out, OpusOutput::kPreSkip, 2);
  put_le(out, 48'000, 4);
  put_le(out, 0, 2);
  put_le(out, 0, 1);
  return out;
}

// Section 5.2.
ByteBuffer opus_tags(const Tags& tags) {
  ByteBuffer out;
  put_text(out, "OpusTags");
  const auto list = comment_list(tags, GainTag::r128);
  out.insert(out.end(), list.begin(), list.end());
  return out;
}

}  // namespace

std::uint8_t filler_toc(std::uint8_t toc, bool twenty_ms) {
  const unsigned config = toc >> 3U;
  const unsigned long_one = twenty_ms ? 1 : 0;
  const unsigned filler = config < 12   ? (config & ~3U) + long_one       // SILK: 10, 20, 40, 60 ms
                          : config < 16 ? (config & ~1U) + long_one       // hybrid: 10, 20 ms
                                        : (config & ~3U) + 2 + long_one;  // CELT: 2.5, 5, 10, 20 ms
  return static_cast<std::uint8_t>((filler << 3U) | (toc & 4U));
}

OpusOutput::OpusOutput(ByteSink& sink, std::uint32_t serial, Tags tags)
    : sink_(sink), serial_(serial), tags_(std::move(tags)) {}

std::uint32_t OpusOutput::samples_of(Bytes payload) const {
  const auto info = media::inspect_opus(payload);
  return info.valid ? static_cast<std::uint32_t>(info.duration.count() * 48 / 1'000'000) : 0;
}

bool OpusOutput::is_pause(Bytes payload) const {
  return media::inspect_opus(payload).dtx;
}

void OpusOutput::add(Bytes payload) {
  const auto info = media::inspect_opus(payload);
  if (!info.valid) return;
  if (!begun_ && !heard_) stereo_ = info.stereo;
  toc_ = payload.front();
  heard_ = true;
  put(payload, samples_of(payload));
}

void OpusOutput::fill(std::uint64_t samples) {
  auto tens = (samples + kTenMs / 2) / kTenMs;
  if (!heard_ && tens >= 2 && toc_ == 0) {
    toc_ = kSilence[0];
    put(kSilence, kTwentyMs);
    tens -= 2;
  }
  const std::uint8_t base = toc_ == 0 ? kSilence[0] : toc_;
  for (; tens > 0; tens -= tens >= 2 ? 2 : 1) {
    const std::uint8_t filler = filler_toc(base, tens >= 2);
    put(Bytes(&filler, 1), tens >= 2 ? kTwentyMs : kTenMs);
  }
}

void OpusOutput::put(Bytes packet, std::uint32_t samples) {
  const bool due = position_ - committed_ >= kPageSamples;
  // A long silence needs no page of its own every 100 ms: nothing in it can be lost.
  const bool silence = packet.size() == 1 && position_ - committed_ < 50 * kPageSamples;
  if (!page_.fits(packet.size()) || (due && !silence)) static_cast<void>(flush());
  page_.add(packet);
  position_ += samples;
}

bool OpusOutput::write(const ByteBuffer& page) {
  if (!sink_.append(page)) return false;
  bytes_ += page.size();
  ++sequence_;
  return true;
}

bool OpusOutput::begin() {
  OggPage head, tags;
  head.add(opus_head(stereo_));
  tags.add(opus_tags(tags_));
  // One write: a file has both headers or is empty.
  auto bytes = head.bytes(serial_, 0, 0, kOggFirst);
  const auto second = tags.bytes(serial_, 1, 0, 0);
  bytes.insert(bytes.end(), second.begin(), second.end());
  if (!write(bytes)) return false;
  ++sequence_;
  begun_ = true;
  return true;
}

bool OpusOutput::flush() {
  if (page_.empty()) return true;
  const bool written = (begun_ || begin()) && write(page_.bytes(serial_, sequence_, position_, 0));
  if (written) {
    committed_ = position_;
  } else {
    position_ = committed_;
  }
  page_.clear();
  return written;
}

bool OpusOutput::finish() {
  if (!flush() || !begun_) return false;
  // The last page needs a packet; its granule position cuts that packet away (RFC 7845 section 4.4).
  const std::uint8_t filler = filler_toc(toc_, true);
  page_.add(Bytes(&filler, 1));
  const bool written = write(page_.bytes(serial_, sequence_, committed_, kOggLast));
  page_.clear();
  return written;
}

}  // namespace parley::recorder
