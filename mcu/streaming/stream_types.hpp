// The values that pass in and out of the stream engine.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "pipelines/streams/parts.hpp"
#include "pipelines/streams/retry.hpp"
#include "transport/base/bytes.hpp"
#include "transport/base/ids.hpp"

namespace parley::streaming {

struct StreamSettings {
  std::vector<std::string> allow;
  std::string file_root;                         // empty: no file:
  std::string hls_root;                          // empty: a temporary folder
  std::string picture;                           // empty: no still picture
  std::string ca_file;                           // empty: the system's authorities
  Duration tick = 20ms;                          // of the rooms
  Duration ask_every = 10s, answer_within = 5s;  // as in EndpointConfig
};

struct StreamRequest {
  std::string url;
  std::string codec;         // empty: the target's usual one
  std::int64_t bitrate = 0;  // 0: the usual one
  std::string video;         // "", "black", "picture"
};

using StreamId = std::string;  // 12 random characters [a-zA-Z0-9]

struct StreamInfo {
  StreamId id;
  RoomId media_room = RoomId::none;
  std::string room;
  std::string url;     // without its secrets
  std::string scheme;  // "icecast"
  std::string codec;
  int bitrate = 0;  // 0: the room's own packets, passed on
  std::string video;
  std::string sdp;  // of RTP: what a player opens
  streams::StreamState state = streams::StreamState::connecting;
  std::string cause;        // of the last failure; empty when all is well
  TimePoint since{};        // of the state
  std::uint64_t bytes = 0;  // sent, over all connections
  std::uint64_t dropped = 0;
  std::uint64_t connects = 0, failures = 0;
};

// Where a room's mix comes from: packets of the full mix, each with the deadline of the tick that made it, in
// order.
class MixFeed {
 public:
  virtual ~MixFeed() = default;
  // Gives what has come since the last call; never waits. Returns the room's last tick of which everything
  // has been given. On the engine's thread.
  virtual TimePoint drain(const std::function<void(TimePoint tick, Bytes packet)>& give) = 0;
  // Packets that found the queue between the threads full.
  virtual std::uint64_t dropped() const = 0;
};

struct StreamTotals {
  std::map<std::pair<std::string, std::string>, std::size_t> by_scheme_and_state;
  std::uint64_t bytes = 0, dropped = 0, failures = 0, encoded_ticks = 0;
};

}  // namespace parley::streaming
