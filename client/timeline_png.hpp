// The timeline picture painted into a PNG file.
#pragma once

#include <string>

#include "pipelines/recorder/timeline.hpp"
#include "transport/base/result.hpp"

namespace parley::client {

// `scale`: pixels for each unit of the picture.
Status write_png(const recorder::Picture& picture, const std::string& path, double scale = 1.5);

}  // namespace parley::client
