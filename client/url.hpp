// The server's address as a user types it: http[s]://host[:port][/]. Strict: anything else is an error that
// says what is wrong.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "transport/base/result.hpp"

namespace parley::client {

struct ServerUrl {
  std::string host = "127.0.0.1";  // a name, an IPv4 address, or an IPv6 address without brackets
  std::uint16_t port = 8080;
  bool tls = false;

  struct Trust {
    std::string ca_file;   // PEM; empty: the system's certificates
    bool anybody = false;  // no check: for servers with a certificate of their own making
  };
  Trust trust{};

  std::string authority() const;  // host:port, IPv6 in brackets: the Host header and messages to the user
};

Result<ServerUrl> parse_server_url(std::string_view text);

// One segment of a path, percent-encoded as RFC 3986 section 2.1 asks.
std::string encode_path_segment(std::string_view text);

}  // namespace parley::client
