// `parley record` and `parley recordings`: options and what they do.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "client/audio_sink.hpp"
#include "client/server_options.hpp"
#include "pipelines/remix/file_encoder.hpp"
#include "transport/base/result.hpp"

namespace CLI {
class App;
}

namespace parley::client {

struct RecordingsCommand {
  enum class Action : std::uint8_t { start, stop, list, show, fetch, remove, link, remix, waveform, play };
  Action action = Action::list;
  ServerUrl server;
  std::string key;
  std::string room;              // start, stop; list: only this room
  std::string id;                // of a recording; remix, waveform, play: or a link, or a folder
  std::string from, to;          // list: dates or times in UTC
  int limit = 50;                // list
  std::string file = "mixdown";  // fetch, link: "mixdown", "zip" or a track's name
  std::string output;            // fetch: a file; empty: named by the server's id; remix, waveform: a file
  int valid_s = 86'400;          // link
  bool json = false;
  // remix: participants by id or name
  std::vector<std::pair<std::string, double>> gains;  // dB
  std::vector<std::string> without;
  remix::FileFormat format = remix::FileFormat::opus;
  bool normalize = false;
  double target_lufs = -18;
  std::string track;  // play: a participant or a file's name; empty: the mixdown
  OutputSpec sink;    // play
};

// What the command line says, before it is checked.
struct RecordingsOptions {
  ServerOptions server;
  RecordingsCommand command;
  std::vector<std::string> gains;           // "NAME=DB"
  std::string format, play_to = "speaker";  // format empty: by the file's name
};
void add_recordings(CLI::App& app, RecordingsOptions& options);
// `app` after parsing, when "record" or "recordings" was chosen.
Result<RecordingsCommand> make_recordings(const CLI::App& app, const RecordingsOptions& options,
                                          const std::string& environment_key);

int run_recordings(const RecordingsCommand& command);

}  // namespace parley::client
