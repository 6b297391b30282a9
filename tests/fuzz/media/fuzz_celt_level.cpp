// A run of payloads off the network through the reader of CELT levels: each gives a finite level. The input
// is split at its own bytes: a length, then so many bytes of payload.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "pipelines/media/celt_level.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  parley::media::CeltLevel level;
  parley::Bytes rest(data, size);
  while (!rest.empty()) {
    const std::size_t length = std::min<std::size_t>(rest[0], rest.size() - 1);
    const float read = level.read(rest.subspan(1, length));
    if (!std::isfinite(read) || read < parley::media::CeltLevel::kSilence) std::abort();
    rest = rest.subspan(1 + length);
  }
  return 0;
}
