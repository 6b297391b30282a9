// What a session is told, tells and counts. Plain values, shared by the session, the command line and tests.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "client/carrier_choice.hpp"
#include "client/url.hpp"
#include "transport/base/media_packet.hpp"
#include "transport/base/time.hpp"
#include "transport/protocol/messages.hpp"

namespace parley::client {

struct SessionConfig {
  ServerUrl server;
  std::string room;
  std::string name;
  std::string pin;
  bool consent = true;  // to being recorded
  std::string token;
  std::string resume;  // the token of a session elsewhere, whose place is taken over; empty: none

  bool encrypted = true;  // DTLS-SRTP; false: RTP/AVP, which the server must allow for this network
  Codec codec = Codec::opus;
  Duration ptime = 20ms;  // 10, 20, 40 or 60 ms
  int bitrate = 32'000;   // Opus, bits per second
  int complexity = 7;
  bool dtx = true;
  bool fec = true;
  bool adapt = true;        // follow the server's `uplink` reports (bitrate, expected loss, ptime)
  bool direct = true;       // a call of two may go from peer to peer, if the room's policy allows it
  bool guess_ports = true;  // where a symmetric NAT hides the peer's: those next to the one that is known,
  bool probing = true;      // and then, by many sockets, at random
  CarrierRule carrier = CarrierRule::automatic;  // udp: never the WebSocket; websocket: nothing else
  bool sends = true;
  bool receives = true;

  Duration connect_timeout = 5s;  // TCP, WebSocket and `joined` together
  Duration media_timeout = 10s;   // ICE and DTLS
  // How long to try to come back when the server is lost, as the same participant; 0: not at all.
  Duration reconnect_limit = 5min;
};

// idle -> connecting -> joining -> securing -> live -> leaving -> ended; any state may go to ended. From
// securing and live to reconnecting when the server is lost, and back to live.
enum class SessionState : std::uint8_t {
  idle,
  connecting,
  joining,
  securing,
  live,
  reconnecting,
  leaving,
  ended
};
const char* to_string(SessionState state);

// Why a session ended. Also the exit code of `parley join` (docs/client.md).
enum class EndKind : std::uint8_t {
  left = 0,         // we left
  failed = 1,       // anything not named below
  unreachable = 3,  // no server, or not a Parley server
  refused = 4,      // pin, token, locked, full, not acceptable
  no_media = 5,     // the media path did not come up in time
  lost = 6,         // connection lost, or closed by the server
};

struct SessionEnd {
  EndKind kind = EndKind::left;
  std::string code;     // the protocol's error code or `closed` reason; empty if the end is of our own making
  std::string message;  // one sentence for the user
};

enum class PathKind : std::uint8_t { mcu, direct };
const char* to_string(PathKind path);

struct SessionStats {
  PathKind path = PathKind::mcu;                       // what is listened to
  Carrier carrier = Carrier::udp;                      // of the server leg
  std::uint64_t websocket_late = 0;                    // packets that a slow WebSocket did not take in time
  std::uint64_t direct_sent = 0, direct_received = 0;  // packets; the counts below are the server leg's
  double direct_round_trip_ms = -1;
  SessionState state = SessionState::idle;
  std::uint64_t packets_sent = 0, packets_received = 0;
  std::uint64_t bytes_sent = 0, bytes_received = 0;
  std::uint64_t lost_in = 0, lost_out = 0;  // packets; RFC 3550 A.3, and the server's receiver reports
  double loss_in = 0, loss_out = 0;         // fraction of the last report interval
  double jitter_in_ms = 0, jitter_out_ms = 0;
  double round_trip_ms = -1;  // negative: not known yet
  std::uint64_t refused = 0;  // packets: source, ssrc, payload type, tag, replay
  double level_in_dbfs = -96,
         level_out_dbfs = -96;         // RMS of the last second received; of the loudest packet sent lately
  double delay_ms = 0, target_ms = 0;  // of the jitter buffer
  std::uint64_t late = 0, fec = 0;     // packets
  double concealed_ms = 0;             // of sound made up because a packet was missing
  double stretched_ms = 0;
  double drift_ppm = 0;
  std::uint64_t dropped_out = 0, dropped_in = 0;  // packets, for want of room between our threads
  int bitrate = 0, expected_loss = 0;             // what the encoder is set to
  double ptime_ms = 0;
  double gain_db = 0;          // the server's advice, as applied
  double join_ms = -1;         // start() to `joined`
  double connect_ms = -1;      // start() to media connected
  double first_audio_ms = -1;  // start() to the first received packet
  int reconnects = 0;          // how often the server was lost and found again
};

// How long we were in the room, and when its first sample was said and heard (CLOCK_MONOTONIC, microseconds;
// 0: never).
struct Stay {
  double in_room_s = 0;
  std::int64_t input_start_us = 0, output_start_us = 0;
};

class SessionEvents {
 public:
  virtual ~SessionEvents() = default;
  virtual void on_state(SessionState) {}
  virtual void on_joined(const protocol::Joined&) {}
  virtual void on_rejoined(const protocol::Joined&) {}  // after a loss; the roster is new
  virtual void on_participant_joined(const protocol::Participant&) {}
  virtual void on_participant_updated(const protocol::Participant&) {}
  virtual void on_participant_left(const protocol::Participant&, std::string_view /*reason*/) {}
  virtual void on_talking(const protocol::Participant&) {}
  virtual void on_path(PathKind) {}    // media goes another way now
  virtual void on_carrier(Carrier) {}  // of the server leg: udp or websocket
  virtual void on_levels() {}          // the roster has new levels
  virtual void on_chat(std::string_view /*participant*/, std::string_view /*name*/,
                       std::string_view /*text*/) {}
  virtual void on_playback(const protocol::Playback&) {}     // a sound that is played into the room
  virtual void on_stream(const protocol::StreamChanged&) {}  // a stream of the room to the outside
  virtual void on_room(const protocol::RoomUpdated& /*room*/) {}
  // The recorder's disk: "refused", "stalled", "low", "resumed". Moderators are told.
  virtual void on_recording_trouble(std::string_view /*state*/, std::string_view /*cause*/) {}
  // A request was answered with `error`.
  virtual void on_refused(std::string_view /*code*/, std::string_view /*message*/) {}
  virtual void on_end(const SessionEnd&) {}  // once, the last event
};

}  // namespace parley::client
