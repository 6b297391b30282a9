// The options of every command that talks to a server: which one, and whose certificate is trusted.
#pragma once

#include <string>

#include "client/url.hpp"
#include "transport/base/result.hpp"

namespace CLI {
class App;
}

namespace parley::client {

struct ServerOptions {
  std::string url = "http://127.0.0.1:8080";
  std::string ca;         // a PEM file; empty: the system's certificates
  bool insecure = false;  // any certificate will do
};

// --server, --ca and --insecure; `options` must outlive the parsing.
void add_server_options(CLI::App& app, ServerOptions& options);

Result<ServerUrl> make_server(const ServerOptions& options);

}  // namespace parley::client
