// An Ogg file from anywhere, read as a track: finite samples, no more of them than its pages can hold, and
// its comments can be looked at and filled in.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "pipelines/recorder/comment_header.hpp"
#include "pipelines/recorder/ogg_scan.hpp"
#include "pipelines/recorder/track_reader.hpp"

namespace {

using namespace parley;

void require(bool holds) {
  if (!holds) std::abort();
}

class Given final : public recorder::ByteSource {
 public:
  explicit Given(Bytes bytes) : bytes_(bytes) {}
  Result<std::size_t> read(std::span<std::uint8_t> into) override {
    const auto count = std::min(into.size(), bytes_.size() - at_);
    std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(at_), count, into.begin());
    at_ += count;
    return count;
  }

 private:
  Bytes bytes_;
  std::size_t at_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes bytes(data, size);
  if (const auto patch = recorder::set_gain(bytes, -3.5)) {
    std::vector<std::uint8_t> fresh(bytes.begin(), bytes.end());
    require(patch->at + patch->bytes.size() <= std::min<std::size_t>(fresh.size(), 512));
    std::copy(patch->bytes.begin(), patch->bytes.end(),
              fresh.begin() + static_cast<std::ptrdiff_t>(patch->at));
    const auto gain = recorder::read_gain(fresh);
    require(gain && std::fabs(*gain + 3.5) < 0.01);
  }
  static_cast<void>(recorder::closing_page(recorder::scan_ogg(bytes)));
  auto opened = recorder::TrackReader::open(std::make_unique<Given>(bytes));
  if (!opened) {
    require(!opened.error().what.empty());
    return 0;
  }
  std::vector<float> pcm(48'000);
  // A hole may be ten minutes long: enough has been seen after an hour.
  for (int second = 0; second < 3'600; ++second) {
    const auto got = (*opened)->read(pcm);
    if (!got || *got == 0) break;
    require(*got <= pcm.size());
    for (std::size_t i = 0; i < *got; ++i) require(std::isfinite(pcm[i]));
    if (*got < pcm.size()) break;
  }
  return 0;
}
