// TrackReader of Ogg Opus (RFC 7845).
#pragma once

#include "pipelines/recorder/track_reader.hpp"

namespace parley::recorder {

Result<std::unique_ptr<TrackReader>> open_opus(std::unique_ptr<ByteSource> source);

}  // namespace parley::recorder
