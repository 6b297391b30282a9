// recording.json as the client reads it, from a server or a folder. It comes from elsewhere: members that are
// missing or of another type count as not given, names of files are checked.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pipelines/recorder/timeline.hpp"
#include "transport/base/result.hpp"

namespace parley::client {

struct RecordedPerson {
  std::string id, name;
  bool consent = true;
  std::int64_t joined_ms = 0, left_ms = -1;  // -1: still there
};
struct RecordedFile {
  std::string file;  // "mixdown.opus", "tracks/…"
  std::string participant;
  std::int64_t duration_ms = 0;
  std::int64_t levels_step_ms = 0;
  std::vector<std::uint8_t> levels;  // dB below full scale; empty: not measured
};
struct RecordedTime {
  std::string participant;
  recorder::TimeSpan span;
};

struct RecordingInfo {
  std::string id, room, state;
  std::int64_t started_ms = 0, duration_ms = 0;
  std::vector<RecordedPerson> people;
  std::optional<RecordedFile> mixdown;
  std::vector<RecordedFile> tracks;
  std::vector<RecordedTime> talks, mutes;
  std::vector<recorder::TimeSpan> troubles;

  bool running() const { return state == "recording"; }
  const RecordedPerson* person(std::string_view id) const;
};

std::optional<RecordingInfo> read_recording_info(std::string_view text);

// Whom somebody means by an id or a name: the participants' ids. Error: nobody; it lists who there is.
Result<std::vector<std::string>> participants_called(const RecordingInfo& info, const std::string& who);

recorder::Timeline timeline_of(const RecordingInfo& info);

}  // namespace parley::client
