// The kinds of values a key can have: what is expected, how it is read from a YAML node and written back.
#pragma once

#include <yaml-cpp/yaml.h>

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mcu/settings/settings.hpp"

namespace parley::settings {

template <typename T>
struct Kind {
  std::string expected;
  // The error's `what` is what was found instead, its code the line if it is not the key's own.
  std::function<Result<T>(const YAML::Node&)> read;
  std::function<std::string(const T&)> write;
};

// What stands there, for "got ...": `"abc"`, `nothing`, `a list`.
std::string describe(const YAML::Node& node);
std::string quoted(std::string_view text);  // as a YAML string in double quotes

// `unit`: empty, or "milliseconds", "bytes".
Kind<std::uint64_t> whole_number(std::string_view unit, std::uint64_t least, std::uint64_t most);
Kind<bool> yes_or_no();
Kind<Duration> duration(Duration least, Duration most);  // "500ms", "10s", "5m", "2h"
Kind<std::string> secret();
Kind<std::string> file_name(std::string_view expected);  // printable; whether it is there is found out later
Kind<std::string> folder();
Kind<Address> socket_address();
Kind<std::optional<Address>> optional_socket_address();
Kind<std::vector<Address>> public_addresses();
Kind<std::vector<IpNetwork>> networks();
Kind<std::vector<std::string>> origins();

std::string write_duration(Duration value);

// One of a few words.
template <typename Enum>
Kind<Enum> one_of(std::vector<std::pair<std::string, Enum>> words) {
  std::string expected = "one of";
  for (std::size_t i = 0; i < words.size(); ++i) expected += (i == 0 ? " " : ", ") + words[i].first;
  auto read = [words](const YAML::Node& node) -> Result<Enum> {
    for (const auto& [word, value] : words)
      if (node.IsScalar() && node.Scalar() == word) return value;
    return Error{describe(node), 0};
  };
  auto write = [words](const Enum& value) {
    for (const auto& [word, candidate] : words)
      if (candidate == value) return word;
    return std::string();
  };
  return {std::move(expected), std::move(read), std::move(write)};
}

}  // namespace parley::settings
