#include "pipelines/recorder/ogg_input.hpp"

#include <algorithm>
#include <string_view>

#include "pipelines/recorder/ogg_page.hpp"

namespace parley::recorder {
namespace {

constexpr std::size_t kChunk = 64 * 1024;
constexpr std::string_view kCapture = "OggS";

}  // namespace

Result<bool> OggInput::fill() {
  if (ended_) return false;
  buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(at_));
  at_ = 0;
  const auto had = buffer_.size();
  buffer_.resize(had + kChunk);
  const auto got = source_->read(std::span(buffer_).subspan(had));
  buffer_.resize(had + (got ? *got : 0));
  if (!got) return got.error();
  ended_ = *got == 0;
  return !ended_;
}

Result<bool> OggInput::next(OggPageView& page) {
  bool lost = false;  // counted once for each stretch
  for (;;) {
    const auto rest = Bytes(buffer_).subspan(at_);
    if (read_page(rest, page)) {
      at_ += page.size;
      return true;
    }
    if (!ended_ && rest.size() < kOggMaxPage) {
      if (const auto more = fill(); !more) return more.error();
      continue;
    }
    if (rest.empty()) return false;
    skipped_ += lost ? 0 : 1;
    lost = true;
    const auto found = as_text(rest).find(kCapture, 1);
    at_ = found == std::string_view::npos ? buffer_.size() : at_ + found;
  }
}

}  // namespace parley::recorder
