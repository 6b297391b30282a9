// A recording wherever it is: on a server, by its id or by a signed link, or a folder of this machine. Its
// files are read front to back without being stored.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "client/recording_info.hpp"
#include "client/url.hpp"
#include "pipelines/recorder/byte_source.hpp"
#include "transport/base/result.hpp"

namespace parley::client {

class RecordingPlace {
 public:
  // `what`: an id, a link to a whole recording (`parley recordings link ID --file all`), or a folder that
  // holds recording.json. The error's code is an exit code of the command line.
  static Result<RecordingPlace> open(const std::string& what, const ServerUrl& server,
                                     const std::string& key);

  const RecordingInfo& info() const { return info_; }
  // A file of it, as recording.json names it. While it is being recorded and `follow` is set the source waits
  // for more; otherwise it ends where the file ended when it was reached. `stopped` ends the waiting.
  Result<std::unique_ptr<recorder::ByteSource>> read(const std::string& file, bool follow = false,
                                                     const std::atomic<bool>* stopped = nullptr) const;

  struct Remote {
    ServerUrl server;
    std::string key, path, query;  // path: "/api/v1/recordings/<id>"; query: with its '?', or empty
  };

 private:
  RecordingInfo info_;
  std::string folder_;  // empty: remote_
  Remote remote_;
};

// "http://host/api/v1/recordings/<id>?expires=…&signature=…". Nothing: `text` is no such thing.
std::optional<RecordingPlace::Remote> read_recording_link(const std::string& text);

}  // namespace parley::client
