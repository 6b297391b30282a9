// A key of the configuration: declared once in table.cpp, and all that is done with keys (parsing,
// --check-config, SIGHUP, the reference) goes over that table.
#pragma once

#include <yaml-cpp/yaml.h>

#include <functional>
#include <string>
#include <vector>

#include "mcu/settings/settings.hpp"

namespace parley::settings {

struct Key {
  std::string path;      // "jitter.min_ms"
  std::string expected;  // "a whole number of milliseconds from 0 to 1000"
  std::string meaning;
  bool reloadable = false;
  bool secret = false;

  // Reads the value. An error's `what` is what was found instead (`"abc"`), its code the line or 0.
  std::function<Status(const YAML::Node& value, Settings& out)> read;
  std::function<std::string(const Settings& from)> write;  // as YAML on one line
  std::function<void(const Settings& from, Settings& to)> copy;
};

const std::vector<Key>& table();

}  // namespace parley::settings
