// Streams of rooms, as the API and the configuration ask for them: holds the room's media, taps its mix and
// hands it to the stream engine; tells the room about each stream's state.
//
// Threads: ctl.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "mcu/app/media_holds.hpp"
#include "mcu/app/media_plane.hpp"
#include "mcu/settings/settings.hpp"
#include "mcu/signaling/broadcast_port.hpp"
#include "mcu/streaming/stream_engine.hpp"
#include "pipelines/streams/helpers.hpp"

namespace parley::app {

class StreamControl final : public signaling::StreamsPort {
 public:
  using PostToCtl = std::function<void(std::function<void()>)>;
  // The error names the key of the configuration that is wrong.
  static Result<std::unique_ptr<StreamControl>> open(const settings::Settings& settings, PostToCtl post,
                                                     room::RoomService& rooms, MediaPlane& media,
                                                     MediaHolds& holds);
  // Only whether the keys can be used (--check-config).
  static Status check(const settings::Settings& settings);

  Status reload(const settings::Settings& settings);
  // The streams of the configuration (streaming.start).
  Status start_configured(const settings::Settings& settings);
  // The room's media has gone, and with it the streams.
  void room_closed(RoomId media);
  streaming::StreamTotals totals() const { return engine_->totals(); }

  Result<signaling::StreamView> start(const std::string& room, const signaling::StreamAsk& ask) override;
  Result<std::vector<signaling::StreamView>> list(const std::string& room) override;
  Status stop(const std::string& room, const std::string& id) override;
  void hls_file(const std::string& room, const std::string& name, File answer) override;

 private:
  StreamControl(PostToCtl post, room::RoomService& rooms, MediaPlane& media, MediaHolds& holds)
      : post_(std::move(post)), rooms_(rooms), media_(media), holds_(holds) {}
  // What all streams of one room share.
  struct Source {
    LegId tap = LegId::none;
    std::shared_ptr<streaming::MixFeed> feed;
    std::size_t streams = 0;
  };
  Result<streaming::StreamInfo> start(RoomId media, const std::string& room, const signaling::StreamAsk& ask);
  Result<std::shared_ptr<streaming::MixFeed>> feed_of(RoomId media);
  void release(RoomId media);
  void tell(const streaming::StreamInfo& info);

  PostToCtl post_;
  room::RoomService& rooms_;
  MediaPlane& media_;
  MediaHolds& holds_;
  std::map<RoomId, Source> sources_;
  std::unique_ptr<streaming::StreamEngine> engine_;
  streams::Helpers files_{"hls"};
};

}  // namespace parley::app
