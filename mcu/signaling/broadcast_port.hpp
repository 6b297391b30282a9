// What the API needs of those who push rooms to the outside and play sounds into them; implemented by the
// app. Called on ctl, returning at once. Error.code is an HTTP status.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "transport/base/result.hpp"

namespace parley::signaling {

struct StreamAsk {
  std::string url, codec, video;  // empty: the usual
  std::int64_t bitrate = 0;       // 0: the usual
};

struct StreamView {
  std::string id, url, codec, video, state, cause;
  std::string sdp;  // of RTP: what a player opens
  int bitrate = 0;
  double for_s = 0;  // in this state
  std::uint64_t bytes = 0, dropped = 0, connects = 0, failures = 0;
};

class StreamsPort {
 public:
  virtual ~StreamsPort() = default;
  // A room that is not there is made.
  virtual Result<StreamView> start(const std::string& room, const StreamAsk& ask) = 0;
  virtual Result<std::vector<StreamView>> list(const std::string& room) = 0;
  virtual Status stop(const std::string& room, const std::string& id) = 0;
  // A file of the room's HLS stream; `name` comes from the URL and is not checked yet.
  using File = std::function<void(Result<std::string>)>;
  virtual void hls_file(const std::string& room, const std::string& name, File answer) = 0;
};

struct PlayAsk {
  std::string file;            // below playback.directory; or
  std::optional<double> tone;  // Hz
  std::optional<double> seconds;
  bool loop = false;
  bool announce = false;  // at once, over the music, which is turned down
  double gain_db = 0;
  double duck_db = -12;  // while people talk
};

struct PlayView {
  std::string id, title, state;  // "opening", "queued", "playing"
  bool loop = false, announce = false;
  double gain_db = 0, position_s = 0;
  std::optional<double> duration_s;
};

class PlaybackPort {
 public:
  virtual ~PlaybackPort() = default;
  virtual Result<PlayView> play(const std::string& room, const PlayAsk& ask) = 0;
  virtual Result<std::vector<PlayView>> playing(const std::string& room) = 0;
  virtual Status stop_playing(const std::string& room, const std::string& id) = 0;  // empty: everything
};

}  // namespace parley::signaling
