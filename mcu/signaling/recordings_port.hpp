// What the recordings' routes need from the rest of the server. Threads: ctl; answers come on ctl, later. The
// code of an Error is the HTTP status.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "mcu/signaling/http.hpp"
#include "transport/base/result.hpp"

namespace parley::signaling {

struct RecordingQuery {
  std::string room, state;  // empty: any
  std::optional<std::int64_t> from_ms, to_ms;
  std::size_t limit = 50, offset = 0;
};

struct RecordingBody {
  std::shared_ptr<BodySource> source;
  std::string content_type, file_name;
  std::string checksum;  // empty: it still grows
  bool seekable = true;
};

class RecordingsPort {
 public:
  using Text = std::function<void(Result<std::string>)>;  // JSON
  using Body = std::function<void(Result<RecordingBody>)>;

  virtual ~RecordingsPort() = default;
  // The id of the recording.
  virtual Result<std::string> start(const std::string& room) = 0;
  virtual Status stop(const std::string& room) = 0;
  virtual void list(const RecordingQuery& query, Text answer) = 0;
  virtual void show(const std::string& id, Text answer) = 0;
  virtual void remove(const std::string& id, Text answer) = 0;
  virtual void picture(const std::string& id, Text answer) = 0;  // SVG
  // `file`: "mixdown.opus", "tracks/<name>", or "zip" for all of them.
  virtual void open(const std::string& id, const std::string& file, Body answer) = 0;
};

}  // namespace parley::signaling
