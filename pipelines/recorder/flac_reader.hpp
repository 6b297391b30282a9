// TrackReader of Ogg FLAC at 8 kHz, as G.711 legs are recorded.
#pragma once

#include "pipelines/recorder/track_reader.hpp"

namespace parley::recorder {

Result<std::unique_ptr<TrackReader>> open_flac(std::unique_ptr<ByteSource> source);

}  // namespace parley::recorder
