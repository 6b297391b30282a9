#include "pipelines/streams/mp4_cutter.hpp"

#include <array>
#include <optional>

namespace parley::streams {
namespace {

constexpr std::size_t kHead = 8;  // size and type of a box
// flags of tfhd and trun (ISO/IEC 14496-12 sections 8.8.7 and 8.8.8)
constexpr std::uint32_t kBaseDataOffset = 0x1, kDefaultBaseIsMoof = 0x020000;
constexpr std::uint32_t kDataOffset = 0x1, kFirstFlags = 0x4, kDuration = 0x100, kSize = 0x200,
                        kFlags = 0x400, kCompositionOffset = 0x800;

std::uint32_t u32_at(Bytes data, std::size_t at) {
  return ByteReader(data.subspan(at)).u32();
}

// The content of the first box of this type in `body`; empty when there is none.
Bytes child(Bytes body, std::string_view type) {
  while (body.size() >= kHead) {
    const std::size_t size = u32_at(body, 0);
    if (size < kHead || size > body.size()) break;
    if (as_text(body.subspan(4, 4)) == type) return body.subspan(kHead, size - kHead);
    body = body.subspan(size);
  }
  return {};
}

// The sum of a track run's sample durations; nothing where it has none of its own.
std::optional<std::uint64_t> run_length(Bytes trun) {
  ByteReader reader(trun);
  const auto flags = reader.u32() & 0xffffff;
  const auto count = reader.u32();
  if ((flags & kDataOffset) != 0) reader.u32();
  if ((flags & kFirstFlags) != 0) reader.u32();
  if ((flags & kDuration) == 0) return std::nullopt;
  std::size_t rest = 0;  // of a sample, behind its duration
  for (const auto field : {kSize, kFlags, kCompositionOffset}) rest += (flags & field) != 0 ? 4 : 0;
  std::uint64_t sum = 0;
  for (std::uint32_t i = 0; i < count && reader.ok(); ++i) {
    sum += reader.u32();
    reader.take(rest);
  }
  return reader.ok() ? std::optional(sum) : std::nullopt;
}

constexpr std::array<std::uint8_t, 28> kFileType = {0,   0,   0,   28,  'f', 't', 'y', 'p', 'i', 's',
                                                    'o', '6', 0,   0,   0,   0,   'i', 's', 'o', '6',
                                                    'c', 'm', 'f', 'c', 'm', 'p', '4', '1'};

}  // namespace

Status Mp4Cutter::push(Bytes data) {
  buffer_.insert(buffer_.end(), data.begin(), data.end());
  std::size_t done = 0;
  while (buffer_.size() - done >= kHead) {
    const Bytes waiting = Bytes(buffer_).subspan(done);
    const std::size_t size = u32_at(waiting, 0);
    if (size < kHead || size > kMaxBox) return Error{"MP4: a box of " + std::to_string(size) + " bytes"};
    if (size > waiting.size()) break;
    if (auto taken = take_box(as_text(waiting.subspan(4, 4)), waiting.first(size)); !taken) return taken;
    done += size;
  }
  buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(done));
  return Done{};
}

Status Mp4Cutter::take_box(std::string_view type, Bytes box) {
  if (type == "moov") return take_header(box);
  if (type == "moof") return take_fragment(box);
  if (type != "mdat" || fragment_.empty()) return Done{};  // an index, a filler
  fragment_.insert(fragment_.end(), box.begin(), box.end());
  on_segment_(fragment_, length_);
  fragment_.clear();
  return Done{};
}

Status Mp4Cutter::take_header(Bytes moov) {
  const Bytes mdhd = child(child(child(moov.subspan(kHead), "trak"), "mdia"), "mdhd");
  if (mdhd.empty()) return Error{"MP4: no track in the header"};
  // Behind version and flags two times, of 64 bits each in version 1.
  ByteReader reader(mdhd);
  reader.take(mdhd.front() == 1 ? 4 + 16 : 4 + 8);
  timescale_ = reader.u32();
  if (timescale_ == 0) return Error{"MP4: a track without a timescale"};
  ByteBuffer init(kFileType.begin(), kFileType.end());
  init.insert(init.end(), moov.begin(), moov.end());
  on_init_(init);
  return Done{};
}

Status Mp4Cutter::take_fragment(Bytes moof) {
  const Bytes traf = child(moof.subspan(kHead), "traf");
  const Bytes tfhd = child(traf, "tfhd"), trun = child(traf, "trun");
  if (timescale_ == 0 || tfhd.size() < 8 || trun.empty())
    return Error{"MP4: a fragment without header, track or samples"};
  const auto length = run_length(trun);
  const auto flags = u32_at(tfhd, 0);
  if (!length || (flags & kBaseDataOffset) != 0) return Error{"MP4: a fragment of an unknown shape"};
  length_ = Duration(static_cast<Duration::rep>(*length * 1'000'000'000 / timescale_));
  fragment_.assign(moof.begin(), moof.end());
  const auto at = static_cast<std::size_t>(tfhd.data() - moof.data());
  fragment_[at + 1] |= static_cast<std::uint8_t>(kDefaultBaseIsMoof >> 16U);
  return Done{};
}

}  // namespace parley::streams
