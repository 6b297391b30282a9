#include "client/broadcast_cli.hpp"

#include <CLI/CLI.hpp>

#include "client/server_options.hpp"

namespace parley::client {

struct BroadcastCommands::Raw {
  ServerOptions server;
  std::string key;
  StreamCommand stream;
  PlayCommand play;
  double tone = 0, seconds = 0, duck_db = 0;
  bool list = false, stop = false;
  CLI::App *start_app = nullptr, *stop_app = nullptr, *list_app = nullptr, *play_app = nullptr;
};

namespace {

void add_common(CLI::App& app, ServerOptions& server, std::string& key, std::string& room, bool& json) {
  app.add_option("ROOM", room, "The room's name")->required();
  add_server_options(app, server);
  app.add_option("--admin-key", key,
                 "The server's auth.admin_key (default: the environment variable PARLEY_ADMIN_KEY)");
  app.add_flag("--json", json, "Print one JSON object per line");
}

}  // namespace

BroadcastCommands::BroadcastCommands(CLI::App& app, std::string key) : raw_(std::make_unique<Raw>()) {
  Raw& raw = *raw_;
  raw.key = std::move(key);
  CLI::App* stream =
      app.add_subcommand("stream", "Push a room's mix to Icecast, RTMP, SRT, RTP, HLS or a file");
  stream->alias("streams");
  stream->require_subcommand(1);
  raw.start_app = stream->add_subcommand("start", "Start a stream");
  add_common(*raw.start_app, raw.server, raw.key, raw.stream.room, raw.stream.json);
  raw.start_app
      ->add_option("URL", raw.stream.url,
                   "icecast://source:PASSWORD@HOST:8000/MOUNT | rtmp://HOST/APP/KEY | rtmps://HOST/APP/KEY | "
                   "srt://HOST:PORT | rtp://HOST:PORT | hls:[?segments=fmp4] | file:NAME.opus")
      ->required();
  raw.start_app
      ->add_option("--codec", raw.stream.codec, "opus, aac, mp3 or vorbis (default: the URL's usual one)")
      ->check(CLI::IsMember({"opus", "aac", "mp3", "vorbis"}));
  raw.start_app
      ->add_option("--bitrate", raw.stream.bitrate, "Of AAC, MP3, Vorbis, bits per second (default: 128000)")
      ->check(CLI::Range(32'000, 320'000));
  raw.start_app->add_option("--video", raw.stream.video, "RTMP: a video track, black or the server's picture")
      ->check(CLI::IsMember({"black", "picture"}));
  raw.stop_app = stream->add_subcommand("stop", "Stop a stream");
  add_common(*raw.stop_app, raw.server, raw.key, raw.stream.room, raw.stream.json);
  raw.stop_app->add_option("STREAM", raw.stream.stream, "The stream's id (parley stream list)")->required();
  raw.list_app = stream->add_subcommand("list", "List a room's streams");
  add_common(*raw.list_app, raw.server, raw.key, raw.stream.room, raw.stream.json);

  raw.play_app = app.add_subcommand("play", "Play a sound into a room");
  add_common(*raw.play_app, raw.server, raw.key, raw.play.room, raw.play.json);
  raw.play_app->add_option("FILE", raw.play.file, "A file below the server's playback.directory");
  raw.play_app->add_option("--tone", raw.tone, "A tone of this frequency instead of a file")
      ->check(CLI::Range(20.0, 20'000.0));
  raw.play_app->add_option("--seconds", raw.seconds, "End after this many seconds")
      ->check(CLI::Range(0.1, 86'400.0));
  raw.play_app->add_flag("--loop", raw.play.loop, "Start again at its end");
  raw.play_app->add_flag("--announce", raw.play.announce, "At once and over the music, which is turned down");
  raw.play_app->add_option("--gain", raw.play.gain_db, "-40 to 12 dB")->check(CLI::Range(-40.0, 12.0));
  raw.play_app
      ->add_option("--duck", raw.duck_db, "Turned down by this while people talk, -40 to 0 dB (default: -12)")
      ->check(CLI::Range(-40.0, 0.0));
  raw.play_app->add_flag("--list", raw.list, "List what is played and what waits");
  raw.play_app->add_flag("--stop", raw.stop, "Stop everything that is played");
}

BroadcastCommands::~BroadcastCommands() = default;

std::optional<BroadcastCommands::Chosen> BroadcastCommands::chosen() const {
  const Raw& raw = *raw_;
  const bool plays = raw.play_app->parsed();
  const bool streams = raw.start_app->parsed() || raw.stop_app->parsed() || raw.list_app->parsed();
  if (!plays && !streams) return std::nullopt;
  const auto server = make_server(raw.server);
  if (!server) return server.error();
  if (streams) {
    using Action = StreamCommand::Action;
    StreamCommand command = raw.stream;
    command.action = raw.start_app->parsed()  ? Action::start
                     : raw.stop_app->parsed() ? Action::stop
                                              : Action::list;
    command.server = *server;
    command.key = raw.key;
    return Chosen(command);
  }
  using Action = PlayCommand::Action;
  PlayCommand command = raw.play;
  command.action = raw.list ? Action::list : raw.stop ? Action::stop : Action::play;
  command.server = *server;
  command.key = raw.key;
  if (raw.play_app->count("--tone") > 0) command.tone = raw.tone;
  if (raw.play_app->count("--seconds") > 0) command.seconds = raw.seconds;
  if (raw.play_app->count("--duck") > 0) command.duck_db = raw.duck_db;
  const int what = (command.file.empty() ? 0 : 1) + (command.tone ? 1 : 0);
  if (command.action == Action::play && what != 1)
    return Chosen(Error{"play: name a file or give --tone HZ (or say --list or --stop)"});
  if (command.action != Action::play && what != 0)
    return Chosen(Error{"play: --list and --stop take no sound"});
  return Chosen(command);
}

}  // namespace parley::client
