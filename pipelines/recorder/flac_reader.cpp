#include "pipelines/recorder/flac_reader.hpp"

#include <FLAC/stream_decoder.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "pipelines/media/resample.hpp"
#include "pipelines/recorder/ogg_input.hpp"
#include "pipelines/recorder/ogg_page.hpp"

namespace parley::recorder {
namespace {

constexpr unsigned kRate = 8'000;
constexpr std::uint64_t kMaxHole = 60ULL * kRate;
constexpr std::size_t kResamplerDelay = media::kResampleTaps / 2;  // linear phase

struct Delete {
  void operator()(FLAC__StreamDecoder* decoder) const { FLAC__stream_decoder_delete(decoder); }
};

class FlacReader final : public TrackReader {
 public:
  explicit FlacReader(std::unique_ptr<ByteSource> source)
      : input_(std::move(source)), decoder_(FLAC__stream_decoder_new()) {}

  Status begin() {
    const bool started =
        decoder_ != nullptr &&
        FLAC__stream_decoder_init_stream(decoder_.get(), &FlacReader::give, nullptr, nullptr, nullptr,
                                         nullptr, &FlacReader::take, nullptr, &FlacReader::fail,
                                         this) == FLAC__STREAM_DECODER_INIT_STATUS_OK &&
        FLAC__stream_decoder_process_until_end_of_metadata(decoder_.get()) != 0;
    if (failure_) return *failure_;
    if (!started) return Error{"its FLAC header is damaged"};
    return Done{};
  }

  Result<std::size_t> read(std::span<float> out) override {
    std::size_t filled = 0;
    while (filled < out.size()) {
      if (at_ == pcm_.size() && !resample_next()) break;
      const auto left = pcm_.size() - at_;
      if (skip_ > 0) {
        const auto count = std::min(skip_, left);
        skip_ -= count;
        at_ += count;
        continue;
      }
      const auto count = std::min(out.size() - filled, left);
      std::copy_n(pcm_.begin() + static_cast<std::ptrdiff_t>(at_), count,
                  out.begin() + static_cast<std::ptrdiff_t>(filled));
      filled += count;
      at_ += count;
    }
    if (filled == 0 && failure_) return *failure_;
    return filled;
  }
  std::uint64_t damaged() const override { return input_.skipped() + damaged_; }

 private:
  bool resample_next() {
    while (decoded_.empty() && !ended_) {
      ended_ = FLAC__stream_decoder_process_single(decoder_.get()) == 0 ||
               FLAC__stream_decoder_get_state(decoder_.get()) >= FLAC__STREAM_DECODER_END_OF_STREAM;
    }
    std::vector<float> piece;
    piece.swap(decoded_);
    if (piece.empty()) return false;
    pcm_.resize(piece.size() * media::kResampleFactor);
    at_ = 0;
    resampler_.process(piece, pcm_);
    return true;
  }

  static FLAC__StreamDecoderReadStatus give(const FLAC__StreamDecoder*, FLAC__byte* to, std::size_t* size,
                                            void* self) {
    auto& reader = *static_cast<FlacReader*>(self);
    const auto more = reader.next_packet();
    if (!more) {
      reader.failure_ = more.error();
      return FLAC__STREAM_DECODER_READ_STATUS_ABORT;
    }
    *size = std::min(*size, reader.packet_.size());
    std::copy_n(reader.packet_.begin(), *size, to);
    reader.packet_ = reader.packet_.subspan(*size);
    return *more ? FLAC__STREAM_DECODER_READ_STATUS_CONTINUE : FLAC__STREAM_DECODER_READ_STATUS_END_OF_STREAM;
  }

  // Ogg's packets one behind the other are native FLAC, but for nine bytes at the beginning. False: the end.
  Result<bool> next_packet() {
    while (packet_.empty()) {
      if (next_ == page_.packets.size()) {
        if ((page_.flags & kOggLast) != 0) return false;
        const auto more = input_.next(page_);
        if (!more || !*more) return more;
        next_ = page_.serial == serial_.value_or(page_.serial) ? 0 : page_.packets.size();
        continue;
      }
      packet_ = page_.packets[next_++];
      if (serial_) continue;
      serial_ = page_.serial;
      packet_ = packet_.subspan(std::min<std::size_t>(packet_.size(), 9));
    }
    return true;
  }

  static FLAC__StreamDecoderWriteStatus take(const FLAC__StreamDecoder*, const FLAC__Frame* frame,
                                             const FLAC__int32* const channels[], void* self) {
    auto& reader = *static_cast<FlacReader*>(self);
    const auto& header = frame->header;
    if (header.sample_rate != kRate || header.channels == 0 || header.bits_per_sample > 24) {
      reader.failure_ = Error{"it is FLAC, but not at 8 kHz"};
      return FLAC__STREAM_DECODER_WRITE_STATUS_ABORT;
    }
    // What damaged pages held; libFLAC may have filled it in already.
    const auto begins = header.number.sample_number;
    if (begins > reader.position_ && begins - reader.position_ <= kMaxHole)
      reader.decoded_.resize(reader.decoded_.size() + static_cast<std::size_t>(begins - reader.position_));
    reader.position_ = begins + header.blocksize;
    const float scale = 1.0F / static_cast<float>(1U << (header.bits_per_sample - 1));
    for (unsigned i = 0; i < header.blocksize; ++i)
      reader.decoded_.push_back(static_cast<float>(channels[0][i]) * scale);
    return FLAC__STREAM_DECODER_WRITE_STATUS_CONTINUE;
  }

  static void fail(const FLAC__StreamDecoder*, FLAC__StreamDecoderErrorStatus, void* self) {
    ++static_cast<FlacReader*>(self)->damaged_;
  }

  OggInput input_;
  OggPageView page_;
  std::size_t next_ = 0;  // packet of the page
  Bytes packet_;          // what is left of it
  std::optional<std::uint32_t> serial_;
  std::unique_ptr<FLAC__StreamDecoder, Delete> decoder_;
  std::vector<float> decoded_;  // 8 kHz
  std::uint64_t position_ = 0;  // of its end, 8 kHz
  media::Interpolator resampler_;
  std::vector<float> pcm_;
  std::size_t at_ = 0, skip_ = kResamplerDelay;
  bool ended_ = false;
  std::uint64_t damaged_ = 0;
  std::optional<Error> failure_;
};

}  // namespace

Result<std::unique_ptr<TrackReader>> open_flac(std::unique_ptr<ByteSource> source) {
  auto reader = std::make_unique<FlacReader>(std::move(source));
  if (auto begun = reader->begin(); !begun) return begun.error();
  return std::unique_ptr<TrackReader>(std::move(reader));
}

}  // namespace parley::recorder
