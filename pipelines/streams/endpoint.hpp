// One connection of one stream: a GStreamer pipeline of its own, so that whatever happens to it stops nothing
// else. It is made, connected and taken down on a helper thread; who pushes never waits. It does not come
// back by itself: an endpoint that has failed is thrown away, and Retry says when to make the next.
//
// Threads: one owner for everything but the counters.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "pipelines/streams/chunk.hpp"
#include "pipelines/streams/helpers.hpp"
#include "pipelines/streams/parts.hpp"
#include "pipelines/streams/policy.hpp"
#include "pipelines/streams/retry.hpp"

namespace parley::streams {

struct EndpointConfig {
  Target target;
  Coding coding;
  Video video = Video::none;
  std::string picture;    // path, for Video::picture
  std::string title;      // the room's name
  std::string directory;  // hls: of this room; file: streaming.file_root
  std::shared_ptr<const Policy> policy;
  // A server that can be asked (probe.hpp) is asked so often while the stream is live; given up when it has
  // twice not answered in time.
  Duration ask_every = 10s, answer_within = 5s;
};

class Endpoint {
 public:
  // A peer that takes nothing for so long while there is something to take is gone, whatever its sockets say.
  static constexpr Duration kStalled = 10s;

  struct Trouble {
    std::string cause;
    Failure kind = Failure::network;
  };

  // Begins to connect. `format`: any chunk of the stream, for its caps.
  Endpoint(EndpointConfig config, const Chunk& format, Helpers& helpers);
  // Ends the stream in order (a file gets its end, a playlist its last line) behind the caller's back.
  ~Endpoint();
  Endpoint(const Endpoint&) = delete;
  Endpoint& operator=(const Endpoint&) = delete;

  void push(const Chunk& chunk, TimePoint at);

  bool delivering() const;  // connected, and data has been taken
  std::optional<Trouble> trouble(TimePoint at);
  std::uint64_t bytes() const;    // taken by the sink
  std::uint64_t dropped() const;  // chunks that found the queue full

 private:
  class Link;
  std::shared_ptr<Link> link_;
  Helpers& helpers_;
};

}  // namespace parley::streams
