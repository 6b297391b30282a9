// The HTTP/1.1 and WebSocket server: WHIP, the API, health and metrics, signalling (docs/http-api.md,
// docs/protocol.md).
//
// Threads: ctl, which runs the io_context given. Nothing blocks; answers that need another thread come
// through the ports' callbacks, which must be called on ctl (asio::post), at most once, and may be dropped
// (the peer gets 503).
//
// Order of life: EventHub, RoomService, Server; the io_context outlives none of their last use: stop it, or
// run it dry, before they are destroyed.
#pragma once

#include <array>
#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "mcu/room/calls.hpp"
#include "mcu/room/room_service.hpp"
#include "mcu/signaling/broadcast_port.hpp"
#include "mcu/signaling/event_hub.hpp"
#include "mcu/signaling/recordings_port.hpp"
#include "mcu/signaling/settings.hpp"
#include "transport/base/bytes.hpp"
#include "transport/base/result.hpp"

namespace parley::signaling {

// What the media plane knows of a leg, for GET /api/v1/rooms/{room}/quality. Delays in ms.
struct LegQuality {
  LegId leg = LegId::none;
  double jitter_wait_p50_ms = 0, jitter_wait_p95_ms = 0;
  double tick_wait_p50_ms = 0, tick_wait_p95_ms = 0;
  double target_ms = 0, delay_ms = 0, drift_ppm = 0;
  std::uint64_t received = 0, late = 0, lost = 0, fec = 0;
  std::uint64_t concealed_samples = 0, stretched_samples = 0;
  double loudness_lufs = -70, auto_gain_db = 0;
};

// A file of the page: "index.html", "main.js". The texts outlive the server.
struct StaticFile {
  std::string_view name, body;
};

struct Ports {
  StreamsPort* streams = nullptr;                      // null: no streams to the outside
  PlaybackPort* playback = nullptr;                    // null: nothing is played
  RecordingsPort* recordings = nullptr;                // null: nothing is recorded here
  room::CallService* calls = nullptr;                  // null: nobody can be called
  std::function<std::string()> metrics;                // GET /metrics
  std::function<bool()> ready;                         // GET /readyz
  std::function<std::vector<std::string>()> troubles;  // GET /healthz: what is wrong, a line each
  std::vector<StaticFile> files;                       // GET /, /r/{room}, /assets/...
  // A packet of media that a WebSocket brought, for the leg it carries; null: none carries any.
  std::function<void(LegId, TimePoint, Bytes)> packet;
  // GraphViz text of a room's running pipeline.
  std::function<void(RoomId, std::function<void(Result<std::string>)>)> graph;
  std::function<void(RoomId, std::function<void(std::vector<LegQuality>)>)> quality;
};

struct ServerStats {
  std::size_t connections = 0, websockets = 0;
  std::uint64_t accepted = 0;
  std::uint64_t refused_connections = 0;            // over the caps
  std::array<std::uint64_t, 6> answers_by_class{};  // index: status / 100
  std::uint64_t slow_readers = 0;                   // WebSockets closed because their queue was full
  std::uint64_t bad_messages = 0;
  // Packets of media in WebSockets: taken, refused (too long, too many), sent, and dropped because they had
  // waited too long for a slow connection.
  std::uint64_t packets_in = 0, packets_refused = 0, packets_out = 0, packets_late = 0;
};

class Server {
 public:
  // The error names the address ("127.0.0.1:8080: Address already in use") or the key that is missing.
  static Result<std::unique_ptr<Server>> open(boost::asio::io_context& io, const SignalingSettings& settings,
                                              room::RoomService& rooms, EventHub& hub, Ports ports);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  Address local() const;  // with the port that was chosen when 0 was asked for
  // Keys, origins, limits and certificate for what comes from now on; the listening address stays.
  Status reload(const SignalingSettings& settings);
  // No new connection; the open ones are closed when their answer, or queue, has been sent.
  void stop();
  ServerStats stats() const;

 private:
  class Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace parley::signaling
