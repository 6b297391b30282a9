// An Opus payload off the network: whatever it holds, inspection agrees with libopus on whether it is a
// packet.
#include <opus.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "pipelines/media/opus_inspect.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace parley;
  const media::OpusInfo info = media::inspect_opus({data, size});
  if (!info.valid) return 0;
  const int samples = opus_packet_get_nb_samples(data, static_cast<opus_int32>(size), 48'000);
  const bool sane = info.frames >= 1 && info.frames <= 48 && info.duration > Duration::zero() &&
                    info.duration <= 120ms && samples > 0 &&
                    info.duration * 48 == Duration(samples * 1'000'000LL) &&
                    !(info.dtx && info.voice != media::VoiceBit::unknown);
  if (!sane) std::abort();
  return 0;
}
