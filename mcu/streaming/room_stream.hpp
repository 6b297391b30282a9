// All streams of one room: its unbroken mix, decoded once if any of them needs it, encoded once for each
// (format, bitrate), and an endpoint for each stream with its state.
//
// Threads: the engine's. Time is passed in.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mcu/streaming/stream_types.hpp"
#include "pipelines/streams/endpoint.hpp"
#include "pipelines/streams/mix_clock.hpp"
#include "pipelines/streams/mix_decoder.hpp"
#include "pipelines/streams/shared_encoder.hpp"

namespace parley::streaming {

class RoomStream {
 public:
  // A peer that has neither taken nor refused us by then is not going to.
  static constexpr Duration kConnectTimeout = 10s;
  // An encoder holds the last tenth of a second back; a stream that is stopped waits for it, but no longer.
  static constexpr Duration kEnding = 500ms;

  RoomStream(std::string name, std::shared_ptr<MixFeed> feed, Duration tick, TimePoint at,
             streams::Helpers& helpers);

  void add(StreamInfo info, streams::EndpointConfig config, TimePoint at);
  // What was mixed until now still goes out, in the next steps.
  bool remove(const StreamId& id, TimePoint at);
  void remove_all(TimePoint at);
  bool empty() const { return streams_.empty() && endings_.empty(); }
  // The room's mix comes from elsewhere from now on: its media were held anew.
  void set_feed(std::shared_ptr<MixFeed> feed) { feed_ = std::move(feed); }

  // About every tick. `changed` hears of each stream whose state is another than before.
  void step(TimePoint at, const std::function<void(const StreamInfo&)>& changed);
  void report(std::vector<StreamInfo>& out) const;
  std::uint64_t encoded_ticks() const;

 private:
  struct Encoder {
    std::shared_ptr<streams::SharedEncoder> running;
    streams::Chunk format;  // its first output: the caps that endpoints need
  };
  struct Stream {
    StreamInfo info;
    streams::EndpointConfig config;
    streams::Retry retry;
    std::unique_ptr<streams::Endpoint> endpoint;
    std::uint64_t past_bytes = 0, past_dropped = 0;  // of endpoints that are gone
  };

  // A stream that was stopped, until what its encoder holds back has come.
  struct Ending {
    std::unique_ptr<streams::Endpoint> endpoint;
    std::shared_ptr<streams::SharedEncoder> encoder;
    Duration until{};  // position at which it was stopped
    TimePoint deadline{};
    bool complete = false;
  };

  void advance(TimePoint at);
  void end(Stream stream, TimePoint at);
  void deliver_endings(const streams::SharedEncoder& encoder, const streams::Chunk& chunk, TimePoint at);
  void end_endings(TimePoint at);
  bool in_use(const streams::Coding& coding) const;
  void give(const streams::MixFrame& frame, TimePoint at);
  void deliver(const streams::Coding& coding, const streams::Chunk& chunk, TimePoint at);
  void pull_encoders(TimePoint at);
  void drop_unused_encoders();
  const streams::Chunk& format_of(const streams::Coding& coding);
  void follow(Stream& stream, TimePoint at);
  void fail(Stream& stream, const std::string& cause, streams::Failure kind, TimePoint at);
  void drop_endpoint(Stream& stream);
  void refresh(Stream& stream) const;

  const std::string name_;
  std::shared_ptr<MixFeed> feed_;
  streams::Helpers& helpers_;
  streams::MixClock clock_;
  streams::MixDecoder decoder_;
  std::map<streams::Coding, Encoder> encoders_;
  std::vector<Stream> streams_;
  std::vector<Ending> endings_;
  streams::Chunk opus_format_;
  std::uint64_t encoded_before_ = 0;  // by encoders that are gone
};

}  // namespace parley::streaming
