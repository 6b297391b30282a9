#include <opus.h>

#include <algorithm>

#include "pipelines/media/frame_decoder.hpp"

namespace parley::media {
namespace {

struct DestroyDecoder {
  void operator()(OpusDecoder* decoder) const { opus_decoder_destroy(decoder); }
};

class OpusFrameDecoder final : public FrameDecoder {
 public:
  // One channel: libopus folds stereo packets down by itself, before the synthesis.
  explicit OpusFrameDecoder(std::uint32_t rate)
      : decoder_(opus_decoder_create(static_cast<opus_int32>(rate), 1, nullptr)) {}

  int decode(Bytes payload, std::span<float> out) override {
    if (payload.empty()) {
      conceal(out);
      return static_cast<int>(out.size());
    }
    const int samples = call(payload, out, 0);
    return samples > 0 ? samples : -1;
  }

  bool decode_fec(Bytes next, std::span<float> out) override { return call(next, out, 1) > 0; }

  void conceal(std::span<float> out) override {
    if (call({}, out, 0) <= 0) std::fill(out.begin(), out.end(), 0.0F);
  }

  void reset() override {
    if (decoder_) opus_decoder_ctl(decoder_.get(), OPUS_RESET_STATE);
  }

 private:
  int call(Bytes payload, std::span<float> out, int fec) {
    if (!decoder_) return OPUS_ALLOC_FAIL;
    return opus_decode_float(decoder_.get(), payload.empty() ? nullptr : payload.data(),
                             static_cast<opus_int32>(payload.size()), out.data(),
                             static_cast<int>(out.size()), fec);
  }

  std::unique_ptr<OpusDecoder, DestroyDecoder> decoder_;
};

}  // namespace

std::unique_ptr<FrameDecoder> make_opus_decoder(std::uint32_t rate) {
  return std::make_unique<OpusFrameDecoder>(rate);
}

}  // namespace parley::media
