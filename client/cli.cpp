#include "client/cli.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <sstream>

#include "client/broadcast_cli.hpp"

namespace parley::client {

namespace {

constexpr const char* kVersion = "parley " PARLEY_VERSION;

constexpr const char* kFooter = R"(Exit codes:
  0 done   1 failed   2 wrong usage   3 server not reachable
  4 refused (PIN, token, locked, full, no common codec)   5 the media path did not come up
  6 connection lost, or closed by the server   7 no audio device, or a bad audio file
  130 stopped by a second Ctrl-C

A call without a sound device:  parley join demo --input tone:440 --output heard.wav --duration 10)";

// Options as text or numbers, before they become commands.
struct Raw {
  std::string server = "http://127.0.0.1:8080";
  std::string ca;
  bool insecure = false;
  std::string key, token;
  bool json = false;

  std::string consent = "yes";
  std::string room, name, pin, input = "mic", output = "speaker", transport = "dtls", codec = "opus";
  int ptime = 20, bitrate = 32'000, complexity = 7;
  double duration = 0;
  double reconnect = 300;
  std::string direct = "auto", carrier = "auto";
  bool no_guessing = false, no_probing = false, no_dtx = false, no_fec = false, fixed = false,
       listen_only = false, loop = false;

  std::string participant, listener;
  double db = 0;
  std::vector<std::string> to;

  std::vector<std::string> only;
};

void add_server(CLI::App& app, Raw& raw) {
  app.add_option("--server", raw.server, "Where the server is: http://HOST[:PORT] or https://HOST[:PORT]")
      ->capture_default_str();
  app.add_option("--ca", raw.ca, "A PEM file with the certificates to trust (default: the system's)")
      ->check(CLI::ExistingFile);
  app.add_flag("--insecure", raw.insecure, "Trust any certificate of the server");
}

void add_json(CLI::App& app, Raw& raw) {
  app.add_flag("--json", raw.json, "Print one JSON object per line");
}

void add_key(CLI::App& app, Raw& raw) {
  app.add_option("--admin-key", raw.key,
                 "The server's auth.admin_key (default: the environment variable PARLEY_ADMIN_KEY)");
}

void add_room(CLI::App& app, Raw& raw) {
  app.add_option("ROOM", raw.room, "The room's name")->required();
}

CLI::App* add_join(CLI::App& app, Raw& raw) {
  CLI::App* join = app.add_subcommand("join", "Join a room and talk");
  add_room(*join, raw);
  add_server(*join, raw);
  join->add_option("--name", raw.name, "How the others see you (default: the login name)");
  join->add_option("--pin", raw.pin, "The room's PIN");
  join->add_option("--consent", raw.consent,
                   "May you be recorded? no: you are in no track and not in the mixdown")
      ->check(CLI::IsMember({"yes", "no"}))
      ->capture_default_str();
  join->add_option("--token", raw.token, "A token that admits to the room");
  join->add_option("--input", raw.input, "mic | FILE | URL | tone:HZ[,steady][,amp=A] | silence")
      ->capture_default_str();
  join->add_option("--output", raw.output, "speaker | FILE.wav | null")->capture_default_str();
  join->add_flag("--loop", raw.loop, "Start an input file again at its end (else silence follows)");
  join->add_flag("--listen-only", raw.listen_only, "Send nothing; no microphone is opened");
  join->add_option("--duration", raw.duration, "Leave after this many seconds in the room")
      ->check(CLI::Range(0.1, 7 * 86'400.0));
  add_json(*join, raw);
  join->add_option("--transport", raw.transport,
                   "dtls, or rtp: unencrypted, if the server allows it for this network")
      ->check(CLI::IsMember({"dtls", "rtp"}))
      ->capture_default_str();
  join->add_option("--codec", raw.codec, "opus, pcmu or pcma")
      ->check(CLI::IsMember({"opus", "pcmu", "pcma"}))
      ->capture_default_str();
  join->add_option("--ptime", raw.ptime, "Milliseconds of sound per packet")
      ->check(CLI::IsMember({10, 20, 40, 60}))
      ->capture_default_str();
  join->add_option("--bitrate", raw.bitrate, "Opus, bits per second")
      ->check(CLI::Range(6'000, 128'000))
      ->capture_default_str();
  join->add_option("--complexity", raw.complexity, "Opus, 0 (cheap) to 10")
      ->check(CLI::Range(0, 10))
      ->capture_default_str();
  join->add_option("--carrier", raw.carrier,
                   "auto: UDP, and the WebSocket where UDP is blocked; udp or websocket: nothing else")
      ->check(CLI::IsMember({"auto", "udp", "websocket"}))
      ->capture_default_str();
  join->add_option("--direct", raw.direct, "auto: a call of two may go from peer to peer; never")
      ->check(CLI::IsMember({"auto", "never"}))
      ->capture_default_str();
  join->add_flag(
      "--no-port-guessing", raw.no_guessing,
      "Direct calls: no checks to ports that the peer has not named, next to its own or at random");
  join->add_flag("--no-probing", raw.no_probing,
                 "Direct calls: no checks from many sockets and to random ports of the peer, which find most "
                 "other symmetric NATs");
  join->add_option("--reconnect", raw.reconnect,
                   "Seconds to try to come back when the server is lost; 0: leave")
      ->check(CLI::Range(0.0, 86'400.0))
      ->capture_default_str();
  join->add_flag("--no-dtx", raw.no_dtx, "Send packets during silence too");
  join->add_flag("--no-fec", raw.no_fec, "No forward error correction");
  join->add_flag("--fixed", raw.fixed, "Do not adapt bitrate, FEC and packet length to the measured loss");
  join->footer(kFooter);
  return join;
}

CLI::App* add_moderation(CLI::App& app, Raw& raw, const char* name, const char* help, bool participant) {
  CLI::App* command = app.add_subcommand(name, help);
  add_room(*command, raw);
  if (participant) command->add_option("PARTICIPANT", raw.participant, "Name or id")->required();
  add_server(*command, raw);
  add_key(*command, raw);
  return command;
}

Codec codec_of(const std::string& text) {
  return text == "pcmu" ? Codec::pcmu : text == "pcma" ? Codec::pcma : Codec::opus;
}

CarrierRule carrier_of(const std::string& text) {
  return text == "udp"         ? CarrierRule::udp
         : text == "websocket" ? CarrierRule::websocket
                               : CarrierRule::automatic;
}

Result<Command> make_join(const Raw& raw, const ServerUrl& server) {
  JoinCommand join;
  join.session.server = server;
  join.session.room = raw.room;
  join.session.name = raw.name;
  join.session.pin = raw.pin;
  join.session.consent = raw.consent == "yes";
  join.session.token = raw.token;
  join.session.encrypted = raw.transport == "dtls";
  join.session.codec = codec_of(raw.codec);
  join.session.ptime = std::chrono::milliseconds(raw.ptime);
  join.session.bitrate = raw.bitrate;
  join.session.complexity = raw.complexity;
  join.session.dtx = !raw.no_dtx;
  join.session.fec = !raw.no_fec;
  join.session.adapt = !raw.fixed;
  join.session.carrier = carrier_of(raw.carrier);
  join.session.direct = raw.direct == "auto";
  join.session.guess_ports = !raw.no_guessing;
  join.session.probing = !raw.no_probing;
  join.session.reconnect_limit = std::chrono::round<Duration>(std::chrono::duration<double>(raw.reconnect));
  join.session.sends = !raw.listen_only;
  auto input = raw.listen_only ? Result<InputSpec>(InputSpec{InputSpec::Kind::silence, {}, {}})
                               : parse_input(raw.input);
  if (!input) return input.error();
  join.input = *input;
  auto output = parse_output(raw.output);
  if (!output) return output.error();
  join.output = *output;
  join.loop = raw.loop;
  if (raw.duration > 0) join.duration_s = raw.duration;
  join.json = raw.json;
  return Command(join);
}

Result<Command> make_doctor(const Raw& raw, const ServerUrl& server) {
  static const std::vector<std::pair<std::string, Check>> kChecks = {{"server", Check::server},
                                                                     {"call", Check::call},
                                                                     {"sound", Check::sound},
                                                                     {"software", Check::software}};
  DoctorCommand doctor;
  if (!raw.only.empty()) doctor.checks.clear();
  for (const auto& [name, check] : kChecks)
    if (std::find(raw.only.begin(), raw.only.end(), name) != raw.only.end()) doctor.checks.push_back(check);
  doctor.server = server;
  doctor.key = raw.key;
  doctor.token = raw.token;
  doctor.json = raw.json;
  return Command(doctor);
}

Result<Command> make_command(const std::string& chosen, const Raw& raw) {
  auto server = parse_server_url(raw.server);
  if (!server) return server.error();
  server->trust = {raw.ca, raw.insecure};
  if (chosen == "join") return make_join(raw, *server);
  if (chosen == "rooms") return Command(RoomsCommand{*server, raw.key, raw.json});
  if (chosen == "whisper")
    return Command(WhisperCommand{*server, raw.key, raw.room, raw.participant, raw.to, raw.db});
  if (chosen == "doctor") return make_doctor(raw, *server);

  using Action = ModerateCommand::Action;
  static const std::vector<std::pair<std::string, Action>> kActions = {
      {"mute", Action::mute}, {"unmute", Action::unmute}, {"kick", Action::kick},
      {"lock", Action::lock}, {"unlock", Action::unlock}, {"gain", Action::gain}};
  ModerateCommand command;
  for (const auto& [name, action] : kActions)
    if (name == chosen) command.action = action;
  command.server = *server;
  command.key = raw.key;
  command.room = raw.room;
  command.participant = raw.participant;
  command.db = raw.db;
  command.listener = raw.listener;
  return Command(command);
}

}  // namespace

std::variant<Command, Advice> parse_command_line(const std::vector<std::string>& args,
                                                 const std::string& environment_key) {
  Raw raw;
  raw.key = environment_key;
  CLI::App app{"Parley: talk in a room of a Parley server", "parley"};
  app.set_version_flag("--version", kVersion);
  app.require_subcommand(1);
  app.footer(kFooter);

  add_join(app, raw);
  CLI::App* rooms = app.add_subcommand("rooms", "List the rooms of a server");
  add_server(*rooms, raw);
  add_key(*rooms, raw);
  add_json(*rooms, raw);
  add_moderation(app, raw, "mute", "Mute a participant", true);
  add_moderation(app, raw, "unmute", "Unmute a participant", true);
  add_moderation(app, raw, "kick", "Remove a participant from a room", true);
  add_moderation(app, raw, "lock", "Let nobody else into a room", false);
  add_moderation(app, raw, "unlock", "Open a locked room", false);
  CLI::App* gain = add_moderation(app, raw, "gain", "Set how loud a participant is", true);
  gain->add_option("DB", raw.db, "-40 to 12 dB")->required()->check(CLI::Range(-40.0, 12.0));
  gain->add_option("--listener", raw.listener, "For this listener only (name or id)");
  CLI::App* whisper = app.add_subcommand("whisper", "Let a participant be heard by some of the others only");
  add_room(*whisper, raw);
  whisper->add_option("TALKER", raw.participant, "Name or id")->required();
  whisper->add_option("TO", raw.to,
                      "Names or ids of who shall hear it; nobody named: everybody hears it again");
  whisper->add_option("--duck", raw.db, "Turn the other talkers down for those who hear it, -40 to 0 dB")
      ->check(CLI::Range(-40.0, 0.0));
  add_server(*whisper, raw);
  add_key(*whisper, raw);
  BroadcastCommands broadcast(app, raw.key);
  CLI::App* doctor = app.add_subcommand("doctor", "Check server, network and sound, with advice");
  add_server(*doctor, raw);
  add_key(*doctor, raw);
  doctor->add_option("--token", raw.token, "A token that admits to a room, if the server asks for one");
  doctor->add_option("--only", raw.only, "Only these checks: server, call, sound, software")
      ->check(CLI::IsMember({"server", "call", "sound", "software"}));
  add_json(*doctor, raw);
  RecordingsOptions recordings;
  add_recordings(app, recordings);

  // CLI11 would only say that a command is missing.
  const auto named = [&args](const CLI::App* command) { return command->check_name(args.front()); };
  if (!args.empty() && !args.front().starts_with("-") && app.get_subcommands(named).empty())
    return Advice{kUsage, {}, "parley: unknown command \"" + args.front() + "\"; run parley --help\n"};
  try {
    app.parse(std::vector<std::string>(args.rbegin(), args.rend()));
  } catch (const CLI::ParseError& error) {
    std::ostringstream out, err;
    const int code = app.exit(error, out, err);
    return Advice{code == 0 ? kOk : kUsage, out.str(), err.str()};
  }
  if (auto chosen = broadcast.chosen()) {
    if (!*chosen) return Advice{kUsage, {}, "parley: " + chosen->error().what + "\n"};
    return std::visit([](auto&& one) { return Command(one); }, **chosen);
  }
  const auto chosen = app.get_subcommands().front()->get_name();
  if (chosen == "record" || chosen == "recordings") {
    auto made = make_recordings(app, recordings, environment_key);
    if (!made) return Advice{kUsage, {}, "parley: " + made.error().what + "\n"};
    return Command(*made);
  }
  auto command = make_command(chosen, raw);
  if (!command) return Advice{kUsage, {}, "parley: " + command.error().what + "\n"};
  return *command;
}

}  // namespace parley::client
