// ITU-T G.711 (8 kHz, a byte a sample) with pitch repetition where a packet is missing.
#include <algorithm>
#include <array>
#include <vector>

#include "pipelines/media/frame_decoder.hpp"
#include "pipelines/media/waveform.hpp"

namespace parley::media {
namespace {

constexpr std::uint32_t kRate = 8'000;
constexpr std::size_t kHistory = 200;  // 25 ms
constexpr std::size_t kMerge = 40;     // 5 ms

using Table = std::array<float, 256>;

constexpr Table mu_law_table() {
  Table table{};
  for (int i = 0; i < 256; ++i) {
    const int code = ~i & 0xff;
    const int exponent = code >> 4 & 7;
    const int magnitude = (((code & 15) << 3) + 132) << exponent;
    const int value = magnitude - 132;
    table[static_cast<std::size_t>(i)] = static_cast<float>((code & 0x80) != 0 ? -value : value) / 32'768.0F;
  }
  return table;
}

constexpr Table a_law_table() {
  Table table{};
  for (int i = 0; i < 256; ++i) {
    const int code = i ^ 0x55;
    const int exponent = code >> 4 & 7;
    int value = ((code & 15) << 4) + 8;
    if (exponent > 0) value = (value + 256) << (exponent - 1);
    table[static_cast<std::size_t>(i)] = static_cast<float>((code & 0x80) != 0 ? value : -value) / 32'768.0F;
  }
  return table;
}

constexpr Table kMuLaw = mu_law_table();
constexpr Table kALaw = a_law_table();

class G711FrameDecoder final : public FrameDecoder {
 public:
  explicit G711FrameDecoder(Codec codec) : table_(codec == Codec::pcmu ? kMuLaw : kALaw) {}

  int decode(Bytes payload, std::span<float> out) override {
    if (payload.empty() || payload.size() > out.size()) return -1;
    for (std::size_t i = 0; i < payload.size(); ++i) out[i] = table_[payload[i]];
    const auto decoded = out.first(payload.size());
    if (made_up_ > 0) {
      std::array<float, kMerge> bridge{};
      extrapolate(history(), kRate, made_up_, bridge);
      crossfade(bridge, decoded.first(std::min(kMerge, decoded.size())));
      made_up_ = 0;
    }
    remember(decoded);
    return static_cast<int>(payload.size());
  }

  bool decode_fec(Bytes, std::span<float>) override { return false; }

  void conceal(std::span<float> out) override {
    extrapolate(history(), kRate, made_up_, out);
    made_up_ += out.size();
  }

  void reset() override {
    filled_ = 0;
    made_up_ = 0;
  }

 private:
  std::span<const float> history() const { return std::span(history_).last(filled_); }

  void remember(std::span<const float> samples) {
    samples = samples.last(std::min(samples.size(), kHistory));
    std::move(history_.begin() + static_cast<std::ptrdiff_t>(samples.size()), history_.end(),
              history_.begin());
    std::copy(samples.begin(), samples.end(), history_.end() - static_cast<std::ptrdiff_t>(samples.size()));
    filled_ = std::min(kHistory, filled_ + samples.size());
  }

  const Table& table_;
  std::array<float, kHistory> history_{};
  std::size_t filled_ = 0;
  std::size_t made_up_ = 0;  // samples concealed since the last packet
};

}  // namespace

std::unique_ptr<FrameDecoder> make_g711_decoder(Codec codec) {
  return std::make_unique<G711FrameDecoder>(codec);
}

}  // namespace parley::media
