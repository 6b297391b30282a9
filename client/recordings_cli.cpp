#include <CLI/CLI.hpp>
#include <map>

#include "client/recordings.hpp"

namespace parley::client {

namespace {

void add_common(CLI::App& app, RecordingsOptions& options) {
  app.add_option("--server", options.server, "Where the server is: http://HOST[:PORT]")
      ->capture_default_str();
  app.add_option("--admin-key", options.command.key,
                 "The server's auth.admin_key (default: the environment variable PARLEY_ADMIN_KEY)");
}

CLI::App* add_one(CLI::App& parent, RecordingsOptions& options, const char* name, const char* help) {
  CLI::App* app = parent.add_subcommand(name, help);
  app->add_option("ID", options.command.id, "The recording's id, as `parley recordings list` shows it")
      ->required();
  add_common(*app, options);
  return app;
}

}  // namespace

void add_recordings(CLI::App& app, RecordingsOptions& options) {
  auto& command = options.command;
  CLI::App* record = app.add_subcommand("record", "Record a room");
  record->require_subcommand(1);
  for (const auto& [name, help] : {std::pair("start", "Begin to record a room; everybody in it is told"),
                                   std::pair("stop", "End the recording of a room")}) {
    CLI::App* one = record->add_subcommand(name, help);
    one->add_option("ROOM", command.room, "The room's name")->required();
    add_common(*one, options);
  }

  CLI::App* recordings = app.add_subcommand("recordings", "Recordings: list, show, fetch, rm, link");
  recordings->require_subcommand(1);
  CLI::App* list = recordings->add_subcommand("list", "List recordings, newest first");
  list->add_option("--room", command.room, "Of this room only");
  list->add_option("--from", command.from,
                   "Begun at or after this date or time (UTC): 2026-11-25 or 2026-11-25T14:00:00Z");
  list->add_option("--to", command.to, "Begun before this date or time");
  list->add_option("--limit", command.limit, "At most so many")
      ->check(CLI::Range(1, 500))
      ->capture_default_str();
  list->add_flag("--json", command.json, "Print one JSON object per line");
  add_common(*list, options);
  add_one(*recordings, options, "show", "Everything that is known of a recording, as JSON");
  CLI::App* fetch = add_one(*recordings, options, "fetch",
                            "Download a recording; a broken download goes on where it ended");
  fetch->add_option("--file", command.file, "mixdown, zip (everything) or a track's name")
      ->capture_default_str();
  fetch->add_option("-o,--output", command.output, "Where to; default: named by the recording, here");
  add_one(*recordings, options, "rm", "Delete a recording for good");
  CLI::App* link = add_one(*recordings, options, "link", "A link that needs no key and expires");
  link->add_option("--file", command.file, "mixdown, zip (everything) or a track's name")
      ->capture_default_str();
  link->add_option("--valid", command.valid_s, "Seconds until it expires")
      ->check(CLI::Range(1, 30 * 86'400))
      ->capture_default_str();
}

Result<RecordingsCommand> make_recordings(const CLI::App& app, const RecordingsOptions& options,
                                          const std::string& environment_key) {
  using Action = RecordingsCommand::Action;
  static const std::map<std::string, Action> kActions = {
      {"start", Action::start}, {"stop", Action::stop}, {"list", Action::list}, {"show", Action::show},
      {"fetch", Action::fetch}, {"rm", Action::remove}, {"link", Action::link}};
  RecordingsCommand command = options.command;
  command.action = kActions.at(app.get_subcommands().front()->get_subcommands().front()->get_name());
  const auto server = parse_server_url(options.server);
  if (!server) return server.error();
  command.server = *server;
  if (command.key.empty()) command.key = environment_key;
  return command;
}

}  // namespace parley::client
