// "did you mean ...?" for a key that does not exist.
#pragma once

#include <string>

namespace parley::settings {

// " (did you mean jitter.min_ms?)", or nothing when no key comes near.
std::string suggestion(const std::string& unknown_path);

}  // namespace parley::settings
