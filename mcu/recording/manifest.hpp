// recording.json: everything that is known of a recording, so that its folder needs nothing else.
// Times are milliseconds since the recording began; `started_ms` counts from 1970 (UTC).
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mcu/store/recording_index.hpp"

namespace parley::recording {

struct Person {
  std::string id, name;
  bool consent = true;
  std::int64_t joined_ms = 0, left_ms = -1;  // -1: still there
};

struct TrackInfo {
  std::string file;            // "tracks/<participant>-<n>.opus"; the mixdown: "mixdown.opus"
  std::string participant;     // empty: the mixdown
  std::string codec;           // "opus", "PCMU", "PCMA"
  std::int64_t offset_ms = 0;  // where its first sound is; before it is silence
  std::int64_t duration_ms = 0, bytes = 0;
  std::string crc32;  // eight hexadecimal digits; empty while it is being written
  std::int64_t packets = 0, lost = 0, late = 0, refused = 0, corrected = 0;
  std::int64_t dropped = 0;  // never reached the file: it waited for the disk for too long
  double worst_ms = 0;       // how far sound stood from its place at most
  // Measured after the end (measurer.hpp).
  std::optional<double> loudness_lufs;  // nothing: not measured, or silence
  std::int64_t levels_step_ms = 0;
  std::vector<std::uint8_t> levels;  // dB below full scale; empty: not measured
};

struct Talk {
  std::string participant;
  std::int64_t from_ms = 0, to_ms = -1;
};
struct Mute {
  std::string participant;
  std::int64_t at_ms = 0;
  bool muted = false;
};
struct Trouble {
  std::string what;
  std::int64_t from_ms = 0, to_ms = -1;
};

// What is owed to the outside once the recording has ended.
struct Delivery {
  std::string kind;               // "webhook", "hook"
  std::string state = "pending";  // "done", "failed": given up
  std::int64_t attempts = 0;
  std::string cause;  // of the last failure
};

struct Manifest {
  std::string id, room, folder;
  std::string state = "recording";  // "finished", "interrupted"
  std::string reason;               // why it ended
  std::int64_t started_ms = 0, duration_ms = 0;
  std::vector<Person> people;
  TrackInfo mixdown;
  std::vector<TrackInfo> tracks;
  std::vector<Talk> talks;
  std::vector<Mute> mutes;
  std::vector<Trouble> troubles;
  std::vector<Delivery> deliveries;
};

boost::json::object to_json(const Manifest& manifest);
// Nothing when it is not one. The folder is the caller's to fill in.
std::optional<Manifest> read_manifest(std::string_view text);
store::RecordingRow to_row(const Manifest& manifest);

// 1 to 32 letters and digits: what an id may be wherever it comes from.
bool valid_id(std::string_view id);
// A track's file as recording.json may name it: "tracks/<letters, digits, '-'>.opus" or ".oga".
bool valid_track_file(std::string_view file);

}  // namespace parley::recording
