// A download that goes on where it broke off: GET with a Range, part by part into a file, checked at the end.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "client/url.hpp"
#include "transport/base/result.hpp"

namespace parley::client {

struct Download {
  std::string target;  // path on the server
  std::string bearer;
  std::string output;  // while it is not all there: with ".part" behind it
  std::function<void(std::uint64_t done, std::uint64_t total)> progress;
};
struct Downloaded {
  std::uint64_t bytes = 0;
  bool resumed = false;
  bool checked = false;  // the server's checksum was there, and right
};

// The error's code is the HTTP status, or 0: not reached, or the file cannot be written.
Result<Downloaded> download(const ServerUrl& server, const Download& what);

}  // namespace parley::client
