// Pushes the mix of rooms to endpoints of the world outside: Icecast, RTMP, SRT, RTP, HLS, files.
//
// Threads: methods on ctl (totals() on any); the work is done on the thread `stream`, which never waits for
// an endpoint, and news come back through `changed`, on ctl. Rooms never notice what happens here: what leads
// here is a bounded queue.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "mcu/streaming/room_stream.hpp"
#include "mcu/streaming/stream_types.hpp"
#include "transport/base/bounded_queue.hpp"
#include "transport/base/result.hpp"

namespace parley::streaming {

class StreamEngine {
 public:
  static constexpr std::size_t kMaxStreams = 500;
  static constexpr std::size_t kMaxPerRoom = 50;
  static constexpr Duration kHlsKept = 1min;  // for players to come to the end of what they have begun

  using PostToCtl = std::function<void(std::function<void()>)>;
  using Changed = std::function<void(const StreamInfo&)>;

  // The error names the rule of streaming.allow that cannot be read.
  static Result<std::unique_ptr<StreamEngine>> open(const StreamSettings& settings, PostToCtl post,
                                                    Changed changed);
  ~StreamEngine();
  StreamEngine(const StreamEngine&) = delete;
  StreamEngine& operator=(const StreamEngine&) = delete;

  // Counts for streams that begin, and connections that are made, from now on.
  Status reload(const StreamSettings& settings);

  // A stream that was checked and may be started.
  struct Plan {
    StreamInfo info;
    streams::EndpointConfig config;
  };
  // Error.code is an HTTP status: 400 bad value, 403 not allowed, 409 conflict, 501 not installed, 503 full.
  Result<Plan> plan(RoomId media_room, const std::string& room, const StreamRequest& request) const;
  // `feed`: this room's; used if none of its streams runs yet.
  Status start(Plan plan, std::shared_ptr<MixFeed> feed);
  bool stop(const StreamId& id);
  void stop_room(RoomId media_room);

  std::vector<StreamInfo> list(RoomId media_room) const;
  std::optional<StreamInfo> find(const StreamId& id) const;
  bool streams_to(RoomId media_room) const;
  // Of the room's stream, or of its last one for kHlsKept after its end; empty: no such stream.
  std::string hls_directory(const std::string& room) const;
  StreamTotals totals() const;

 private:
  StreamEngine(StreamSettings settings, std::shared_ptr<const streams::Policy> policy, PostToCtl post,
               Changed changed, bool temporary_hls);
  using Command = std::function<void(StreamEngine&, TimePoint)>;
  bool post(Command command);
  void run();
  void step(TimePoint at);
  void publish();
  void drop_empty_rooms();
  void finish();
  std::string hls_folder(const StreamId& id) const { return settings_.hls_root + "/" + id; }
  void keep_folder(const StreamInfo& info, TimePoint at);
  // Removes the oldest folder if its time has come; returns when the next one's comes.
  TimePoint sweep_folders(TimePoint at);

  StreamSettings settings_;                        // ctl
  std::shared_ptr<const streams::Policy> policy_;  // ctl
  PostToCtl post_to_ctl_;
  Changed changed_;
  const bool temporary_hls_;
  std::shared_ptr<std::atomic<bool>> alive_ = std::make_shared<std::atomic<bool>>(true);

  BoundedQueue<Command> commands_;
  std::mutex sleep_lock_;
  std::condition_variable wake_;
  bool stopping_ = false, work_ = false;  // under sleep_lock_

  // What ctl sees: written by ctl when a stream comes or goes, by `stream` five times a second.
  mutable std::mutex published_lock_;
  std::map<StreamId, StreamInfo> published_;
  struct Ended {
    std::string room, folder;
    TimePoint until{};
  };
  std::deque<Ended> ended_hls_;  // oldest first
  std::uint64_t encoded_ticks_ = 0, past_bytes_ = 0, past_dropped_ = 0, past_failures_ = 0;

  // The stream thread's own.
  std::optional<streams::Helpers> helpers_{std::in_place, "stream-io"};
  std::map<RoomId, std::unique_ptr<RoomStream>> rooms_;
  std::uint64_t past_encoded_ = 0;
  TimePoint next_publish_{};

  std::thread thread_;
};

}  // namespace parley::streaming
