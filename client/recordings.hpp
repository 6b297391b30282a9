// `parley record` and `parley recordings`: options and what they do.
#pragma once

#include <cstdint>
#include <string>

#include "client/url.hpp"
#include "transport/base/result.hpp"

namespace CLI {
class App;
}

namespace parley::client {

struct RecordingsCommand {
  enum class Action : std::uint8_t { start, stop, list, show, fetch, remove, link };
  Action action = Action::list;
  ServerUrl server;
  std::string key;
  std::string room;              // start, stop; list: only this room
  std::string id;                // of a recording
  std::string from, to;          // list: dates or times in UTC
  int limit = 50;                // list
  std::string file = "mixdown";  // fetch, link: "mixdown", "zip" or a track's name
  std::string output;            // fetch: a file; empty: named by the server's id
  int valid_s = 86'400;          // link
  bool json = false;
};

// What the command line says, before it is checked.
struct RecordingsOptions {
  std::string server = "http://127.0.0.1:8080";
  RecordingsCommand command;
};
void add_recordings(CLI::App& app, RecordingsOptions& options);
// `app` after parsing, when "record" or "recordings" was chosen.
Result<RecordingsCommand> make_recordings(const CLI::App& app, const RecordingsOptions& options,
                                          const std::string& environment_key);

int run_recordings(const RecordingsCommand& command);

}  // namespace parley::client
