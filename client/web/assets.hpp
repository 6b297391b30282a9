// The page that browsers join with, as it stands in this folder, compiled into the server.
#pragma once

#include <span>
#include <string_view>

namespace parley::web {

struct Asset {
  std::string_view name;  // "index.html"
  std::string_view body;  // text, UTF-8
};

std::span<const Asset> assets();

}  // namespace parley::web
