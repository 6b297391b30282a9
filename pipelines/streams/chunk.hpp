// A piece of coded audio on its way to endpoints: shared by all of them, never copied.
#pragma once

#include <memory>

#include "transport/base/bytes.hpp"
#include "transport/base/time.hpp"

using GstSample = struct _GstSample;

namespace parley::streams {

// A GstSample: buffer with PTS (since the stream began) and duration, and its caps.
using Chunk = std::shared_ptr<GstSample>;

Duration end_of(const Chunk& chunk);  // position behind its last sample

// One packet of the room's own mix, mono Opus at 48 kHz.
Chunk opus_chunk(Bytes packet, Duration position, Duration length);

}  // namespace parley::streams
