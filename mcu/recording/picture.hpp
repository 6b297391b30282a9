// What a recording's picture shows (pipelines/recorder/timeline.hpp), from its manifest alone: cheap.
#pragma once

#include "mcu/recording/manifest.hpp"
#include "pipelines/recorder/timeline.hpp"

namespace parley::recording {

recorder::Timeline timeline_of(const Manifest& manifest);

}  // namespace parley::recording
