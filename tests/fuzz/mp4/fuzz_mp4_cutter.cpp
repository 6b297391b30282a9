// The output of an MP4 muxer, whole and cut in two at any place: both must come to the same.
#include <cstdint>
#include <cstdlib>

#include "pipelines/streams/mp4_cutter.hpp"

namespace {

using namespace parley;

struct Seen {
  std::size_t inits = 0, segments = 0, bytes = 0;
  Duration length{};
  bool ok = true;
  bool operator==(const Seen&) const = default;
};

Seen cut(Bytes data, std::size_t at) {
  Seen seen;
  streams::Mp4Cutter cutter([&](Bytes init) { ++seen.inits, seen.bytes += init.size(); },
                            [&](Bytes segment, Duration length) {
                              ++seen.segments;
                              seen.bytes += segment.size();
                              seen.length += length;
                            });
  seen.ok = cutter.push(data.first(at)).ok() && cutter.push(data.subspan(at)).ok();
  return seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const Seen whole = cut({data, size}, size);
  if (!(cut({data, size}, data[size - 1] * size / 256) == whole)) std::abort();
  // The brands are ours, the rest is the input's.
  if (whole.bytes > size + whole.inits * 28) std::abort();
  return 0;
}
