#include "mcu/settings/settings.hpp"

#include <algorithm>
#include <string_view>

#include "mcu/settings/key.hpp"

namespace parley::settings {

namespace {

std::string indent(std::string_view path) {
  return std::string(2 * static_cast<std::size_t>(std::count(path.begin(), path.end(), '.')), ' ');
}

}  // namespace

std::string to_yaml(const Settings& settings) {
  std::string out, section;
  for (const auto& key : table()) {
    const auto dot = key.path.rfind('.');
    if (const auto name = key.path.substr(0, dot); name != section) {
      // Keys of "http.tls" stand behind those of "http", whose heading is there already.
      const auto parent = name.rfind('.');
      out += indent(name) + (parent == std::string::npos ? name : name.substr(parent + 1)) + ":\n";
      section = name;
    }
    const auto value = key.write(settings);
    const bool hide = key.secret && value != "\"\"" && value != "[]";
    out += indent(key.path) + key.path.substr(dot + 1) + ": " + (hide ? "\"***\"" : value) + "\n";
  }
  return out;
}

Changes compare(const Settings& running, const Settings& loaded) {
  Changes out;
  for (const auto& key : table())
    if (key.write(running) != key.write(loaded))
      (key.reloadable ? out.reloadable : out.needs_restart).push_back(key.path);
  return out;
}

Settings reloaded(const Settings& running, const Settings& loaded) {
  Settings out = running;
  for (const auto& key : table())
    if (key.reloadable) key.copy(loaded, out);
  return out;
}

std::vector<KeyInfo> key_reference() {
  std::vector<KeyInfo> out;
  const Settings defaults;
  for (const auto& key : table())
    out.push_back({key.path, key.expected, key.write(defaults), key.meaning, key.reloadable, key.secret});
  return out;
}

}  // namespace parley::settings
