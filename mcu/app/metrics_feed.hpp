// Copies the totals that the parts of the server keep into the metrics, when somebody asks for them.
// Threads: ctl.
#pragma once

#include <memory>
#include <string>

#include "mcu/app/media_plane.hpp"
#include "mcu/app/recording_control.hpp"
#include "mcu/app/stream_control.hpp"
#include "mcu/metrics/metrics.hpp"
#include "mcu/room/calls.hpp"
#include "mcu/room/room_service.hpp"
#include "mcu/signaling/server.hpp"

namespace parley::app {

class MetricsFeed {
 public:
  MetricsFeed();
  ~MetricsFeed();
  std::string text(const MediaPlane& media, const RecordingControl& recording, const room::RoomService& rooms,
                   const room::CallService& calls, const StreamControl& streams,
                   const signaling::Server& server);

 private:
  struct Feeds;
  metrics::Metrics metrics_;
  std::unique_ptr<Feeds> feeds_;
};

}  // namespace parley::app
