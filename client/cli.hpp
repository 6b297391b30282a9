// The command line of `parley`, parsed and checked. No command runs here, so that tests can read what was
// understood.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "client/audio_sink.hpp"
#include "client/audio_source.hpp"
#include "client/recordings.hpp"
#include "client/session_types.hpp"
#include "client/url.hpp"

namespace parley::client {

// The exit codes of every command (docs/client.md).
enum ExitCode : int {
  kOk = 0,
  kFailed = 1,
  kUsage = 2,
  kUnreachable = 3,
  kRefused = 4,
  kNoMedia = 5,
  kLost = 6,
  kNoAudio = 7,
  kDeclined = 8,
  kBusy = 9,
  kNoAnswer = 10,
  kNotThere = 11,      // nobody is registered under this name
  kInterrupted = 130,  // a second Ctrl-C
};

struct JoinCommand {
  SessionConfig session;
  InputSpec input;
  OutputSpec output;
  bool loop = false;
  std::optional<double> duration_s;
  bool json = false;
};

// The room and the token of `join` are those of the call, once it is accepted.
struct CallCommand {
  JoinCommand join;
  std::string peer;
  std::string token, key;  // of the caller's name
};

struct AnswerCommand {
  JoinCommand join;
  std::string token, key;
  bool automatic = false;  // takes every call
  bool once = false;       // ends after the first
};

struct RoomsCommand {
  ServerUrl server;
  std::string key;
  bool json = false;
};

// Calls on the administration routes of a room.
struct ModerateCommand {
  enum class Action : std::uint8_t { mute, unmute, kick, lock, unlock, gain };
  Action action = Action::mute;
  ServerUrl server;
  std::string key;
  std::string room;
  std::string participant;  // id or name; empty for lock and unlock
  double db = 0;            // gain
  std::string listener;     // gain for one listener only; id or name
};

// Lets a participant whisper to some of the others.
struct WhisperCommand {
  ServerUrl server;
  std::string key;
  std::string room;
  std::string talker;           // id or name
  std::vector<std::string> to;  // ids or names; empty: to everybody again
  double duck_db = 0;           // how far the others are turned down for those who hear the whisper
};

// Streams of a room to the outside.
struct StreamCommand {
  enum class Action : std::uint8_t { start, stop, list };
  Action action = Action::list;
  ServerUrl server;
  std::string key;
  std::string room;
  std::string url;     // start
  std::string stream;  // stop: id
  std::string codec, video;
  int bitrate = 0;
  bool json = false;
};

// Sounds played into a room.
struct PlayCommand {
  enum class Action : std::uint8_t { play, list, stop };
  Action action = Action::play;
  ServerUrl server;
  std::string key;
  std::string room;
  std::string file;            // play: below the server's playback.directory
  std::optional<double> tone;  // play: instead of a file, Hz
  std::optional<double> seconds;
  bool loop = false, announce = false;
  double gain_db = 0;
  std::optional<double> duck_db;
  bool json = false;
};

enum class Check : std::uint8_t { server, call, sound, software };

struct DoctorCommand {
  std::vector<Check> checks = {Check::server, Check::call, Check::sound, Check::software};
  ServerUrl server;
  std::string key;
  std::string token;
  bool json = false;
};

using Command = std::variant<JoinCommand, CallCommand, AnswerCommand, RoomsCommand, ModerateCommand,
                             WhisperCommand, StreamCommand, PlayCommand, RecordingsCommand, DoctorCommand>;

// Nothing to run: help, version, or a mistake, with what to print and the exit code.
struct Advice {
  int exit_code = kOk;
  std::string out, err;
};

// `args` without the program's name. `environment_key`: PARLEY_ADMIN_KEY, if set.
std::variant<Command, Advice> parse_command_line(const std::vector<std::string>& args,
                                                 const std::string& environment_key = {});

}  // namespace parley::client
