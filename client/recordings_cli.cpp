#include <CLI/CLI.hpp>
#include <charconv>
#include <cmath>
#include <map>

#include "client/recordings.hpp"

namespace parley::client {

namespace {

void add_common(CLI::App& app, RecordingsOptions& options) {
  add_server_options(app, options.server);
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

CLI::App* add_place(CLI::App& parent, RecordingsOptions& options, const char* name, const char* help) {
  CLI::App* app = parent.add_subcommand(name, help);
  app->add_option(
         "ID", options.command.id,
         "The recording's id, a link to all of it (`parley recordings link --file all`), or its folder")
      ->required();
  add_common(*app, options);
  return app;
}

void add_remix(CLI::App& parent, RecordingsOptions& options) {
  auto& command = options.command;
  CLI::App* app = add_place(parent, options, "remix", "Mix the tracks anew into one file");
  app->add_option("--gain", options.gains,
                  "NAME=DB: this participant louder or softer, -60 to 24; may be given several times")
      ->allow_extra_args(false);
  app->add_option("--without", command.without, "Leave this participant out; may be given several times")
      ->allow_extra_args(false);
  app->add_option("--format", options.format, "opus, wav, flac or m4a (default: by the file's name)")
      ->check(CLI::IsMember({"opus", "wav", "flac", "m4a"}));
  app->add_flag("--normalize", command.normalize, "Bring the mix to a loudness measured by EBU R 128");
  app->add_option("--target", command.target_lufs, "Which, in LUFS, with --normalize")
      ->check(CLI::Range(-40.0, -5.0))
      ->capture_default_str();
  app->add_option("-o,--output", command.output, "The file to write")->required();
}

Result<std::pair<std::string, double>> read_gain(const std::string& text) {
  constexpr double kLeast = -60, kMost = 24;
  const auto at = text.rfind('=');
  if (at == std::string::npos || at == 0) return Error{"--gain " + text + ": say NAME=DB, as in alice=+3"};
  auto number = std::string_view(text).substr(at + 1);
  if (number.starts_with('+')) number.remove_prefix(1);
  double db = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), db);
  if (error != std::errc{} || end != number.data() + number.size() || !std::isfinite(db))
    return Error{"--gain " + text + ": \"" + std::string(number) + "\" is no number of decibels"};
  if (db < kLeast || db > kMost) return Error{"--gain " + text + ": from -60 to 24 dB"};
  return std::pair(text.substr(0, at), db);
}

Status finish_remix(const RecordingsOptions& options, RecordingsCommand& command) {
  for (const auto& text : options.gains) {
    const auto gain = read_gain(text);
    if (!gain) return gain.error();
    command.gains.push_back(*gain);
  }
  const auto dot = command.output.rfind('.');
  const auto name = !options.format.empty()    ? options.format
                    : dot == std::string::npos ? std::string()
                                               : command.output.substr(dot + 1);
  const auto format = remix::format_named(name);
  if (!format)
    return Error{"--output " + command.output + ": ends in .opus, .wav, .flac or .m4a, or say --format"};
  command.format = *format;
  return Done{};
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

  CLI::App* recordings =
      app.add_subcommand("recordings", "Recordings: list, show, fetch, play, remix, waveform, link, rm");
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
  link->add_option("--file", command.file,
                   "mixdown, zip (everything), a track's name, or all (for remix, waveform and play)")
      ->capture_default_str();
  link->add_option("--valid", command.valid_s, "Seconds until it expires")
      ->check(CLI::Range(1, 30 * 86'400))
      ->capture_default_str();
  add_remix(*recordings, options);
  CLI::App* waveform =
      add_place(*recordings, options, "waveform", "A picture of who spoke when, and how loud");
  waveform->add_option("-o,--output", command.output, "A file: .png or .svg")
      ->required()
      ->check([](const std::string& path) {
        return std::string(path.ends_with(".png") || path.ends_with(".svg") ? "" : "ends in .png or .svg");
      });
  CLI::App* play = add_place(*recordings, options, "play", "Listen to it, also while it is being recorded");
  play->add_option("--track", command.track,
                   "A participant's track (name, id or file) instead of the mixdown");
  play->add_option("--output", options.play_to, "speaker, null, or a WAV file to write (not in real time)")
      ->capture_default_str();
}

Result<RecordingsCommand> make_recordings(const CLI::App& app, const RecordingsOptions& options,
                                          const std::string& environment_key) {
  using Action = RecordingsCommand::Action;
  static const std::map<std::string, Action> kActions = {
      {"start", Action::start}, {"stop", Action::stop},   {"list", Action::list},
      {"show", Action::show},   {"fetch", Action::fetch}, {"rm", Action::remove},
      {"link", Action::link},   {"remix", Action::remix}, {"waveform", Action::waveform},
      {"play", Action::play}};
  RecordingsCommand command = options.command;
  command.action = kActions.at(app.get_subcommands().front()->get_subcommands().front()->get_name());
  const auto server = make_server(options.server);
  if (!server) return server.error();
  command.server = *server;
  if (command.key.empty()) command.key = environment_key;
  if (command.action == Action::remix) {
    if (auto finished = finish_remix(options, command); !finished) return finished.error();
  }
  if (command.action == Action::play) {
    const auto sink = parse_output(options.play_to);
    if (!sink) return sink.error();
    command.sink = *sink;
  }
  return command;
}

}  // namespace parley::client
