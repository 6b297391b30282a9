#include "pipelines/recorder/track_reader.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "pipelines/recorder/flac_reader.hpp"
#include "pipelines/recorder/opus_reader.hpp"
#include "transport/base/bytes.hpp"

namespace parley::recorder {
namespace {

// The first page holds one packet, whose lacing value stands before it (RFC 3533 section 6).
constexpr std::size_t kFirstPacket = 28;
using Beginning = std::array<std::uint8_t, kFirstPacket + 8>;

class WithBeginning final : public ByteSource {
 public:
  WithBeginning(const Beginning& beginning, std::unique_ptr<ByteSource> rest)
      : beginning_(beginning), rest_(std::move(rest)) {}
  Result<std::size_t> read(std::span<std::uint8_t> into) override {
    if (at_ == beginning_.size()) return rest_->read(into);
    const auto count = std::min(into.size(), beginning_.size() - at_);
    std::copy_n(beginning_.begin() + static_cast<std::ptrdiff_t>(at_), count, into.begin());
    at_ += count;
    return count;
  }

 private:
  const Beginning beginning_;
  std::size_t at_ = 0;
  std::unique_ptr<ByteSource> rest_;
};

}  // namespace

Result<std::unique_ptr<TrackReader>> TrackReader::open(std::unique_ptr<ByteSource> source) {
  Beginning beginning{};
  for (std::size_t filled = 0; filled < beginning.size();) {
    const auto got = source->read(std::span(beginning).subspan(filled));
    if (!got) return got.error();
    if (*got == 0) return Error{"it ends before its sound begins"};
    filled += *got;
  }
  const auto packet = as_text(beginning).substr(kFirstPacket);
  auto all = std::make_unique<WithBeginning>(beginning, std::move(source));
  if (packet == "OpusHead") return open_opus(std::move(all));
  if (packet.starts_with("\x7f"
                         "FLAC"))
    return open_flac(std::move(all));
  return Error{"it is neither Ogg Opus nor Ogg FLAC"};
}

}  // namespace parley::recorder
