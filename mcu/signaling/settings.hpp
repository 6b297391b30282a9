// What the signalling server is told by the configuration (keys http.*, auth.*, limits.*).
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "transport/base/address.hpp"
#include "transport/base/time.hpp"

namespace parley::signaling {

struct SignalingSettings {
  Address listen{IpAddress::v4(0x7f000001), 8080};
  // Origins (scheme://host[:port]) of pages that may use this server besides those it serves itself; "*":
  // any.
  std::vector<std::string> allowed_origins;
  std::string tls_certificate, tls_key;  // PEM files, or kSelfSigned and nothing; empty: no TLS
  std::string admin_key;  // bearer key of /api/v1; empty: none, which is refused unless `listen` is loopback
  std::string token_key;  // HS256 key of tokens; empty: no tokens

  bool carries_media = true;  // media.over_websocket

  // limits.*
  std::size_t max_connections = 4000;
  std::size_t max_connections_per_address = 1000;  // loopback is exempt
  double requests_per_second_per_address = 100;    // likewise; 0: no limit
  std::size_t max_sdp_bytes = 64 * 1024;
  std::size_t max_body_bytes = 64 * 1024;  // of JSON
  double messages_per_second = 50;         // of one WebSocket, control frames included
  double chat_lines_per_second = 2;        // of one WebSocket
  double packets_per_second = 150;         // of media in one WebSocket: 10 ms of sound in each, and RTCP
  std::size_t queue_messages = 4096;       // outgoing, of one WebSocket
  std::size_t queue_bytes = 1024 * 1024;

  // A slow peer costs a connection, never more.
  Duration idle_timeout = 60s;  // between requests; browsers open spare connections and send nothing on them
  Duration header_timeout = 10s;
  Duration body_timeout = 30s;
  Duration write_timeout = 30s;
  Duration handler_timeout = 10s;  // for an answer that waits for another thread
  Duration ping_timeout = 15s;     // a WebSocket peer that is silent this long, pings included, is gone
};

}  // namespace parley::signaling
