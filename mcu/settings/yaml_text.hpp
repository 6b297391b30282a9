// YAML text to one node, with errors that have a line.
#pragma once

#include <yaml-cpp/yaml.h>

#include <string>

#include "transport/base/result.hpp"

namespace parley::settings {

// The text's only document; null when it is empty. An error's code is the line, 0 when there is none.
Result<YAML::Node> read_yaml(const std::string& text);

}  // namespace parley::settings
