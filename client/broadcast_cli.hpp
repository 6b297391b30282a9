// `parley stream` and `parley play` on the command line.
#pragma once

#include <memory>
#include <optional>
#include <variant>

#include "client/cli.hpp"
#include "transport/base/result.hpp"

namespace CLI {
class App;
}

namespace parley::client {

class BroadcastCommands {
 public:
  using Chosen = Result<std::variant<StreamCommand, PlayCommand>>;

  // Adds the subcommands. `key`: the admin key unless --admin-key says another.
  BroadcastCommands(CLI::App& app, std::string key);
  ~BroadcastCommands();

  // After parsing: the command, if it was one of these.
  std::optional<Chosen> chosen() const;

 private:
  struct Raw;
  std::unique_ptr<Raw> raw_;
};

}  // namespace parley::client
