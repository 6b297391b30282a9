#include "client/server_options.hpp"

#include <CLI/CLI.hpp>

namespace parley::client {

void add_server_options(CLI::App& app, ServerOptions& options) {
  app.add_option("--server", options.url, "Where the server is: http://HOST[:PORT] or https://HOST[:PORT]")
      ->capture_default_str();
  app.add_option("--ca", options.ca, "A PEM file with the certificates to trust (default: the system's)")
      ->check(CLI::ExistingFile);
  app.add_flag("--insecure", options.insecure, "Trust any certificate of the server");
}

Result<ServerUrl> make_server(const ServerOptions& options) {
  auto server = parse_server_url(options.url);
  if (server) server->trust = {options.ca, options.insecure};
  return server;
}

}  // namespace parley::client
