// One participant's call to an MCU, without audio devices and without threads of its own: signalling over the
// WebSocket, one media leg, an encoder for what is pushed and a jitter buffer and decoder for what is pulled.
//
//   PCM -> push_audio() -> gain, Opus or G.711 -> queue -> [net] Leg -> UDP
//   UDP -> [net] Leg -> queue -> pull_audio() -> jitter buffer, decoder -> PCM
//
// Threads: push_audio() belongs to one thread and pull_audio() to one thread (the same or another); both only
// move audio and never block. Events are called on the network thread and must not block; they may call any
// method of the session except its destructor. Everything else may be called from any thread.
//
// Shapes and units: PCM is mono float in [-1, 1] at 48 kHz. Time is the caller's: a virtual clock works as
// long as the same clock stamps pushes and pulls; arrival times are the network thread's real time.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "client/session_types.hpp"
#include "client/url.hpp"
#include "transport/base/address.hpp"
#include "transport/base/media_packet.hpp"
#include "transport/base/time.hpp"

namespace parley::client {

class NetThread;

class Session {
 public:
  // `net` and `events` outlive the session.
  Session(NetThread& net, SessionConfig config, SessionEvents& events);
  // Ends the session at once (no goodbye) if it has not ended; blocks until the network thread has let go of
  // it.
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  void start();  // once
  // Leaves in order: `leave`, RTCP BYE, DTLS close_notify. on_end() follows within kLeaveTimeout.
  void leave();
  static constexpr Duration kLeaveTimeout = 1s;

  // Any multiple of 10 ms, complete at `at`. What is pushed before the media is connected, or while the
  // session does not send, is dropped: a talker starts with the present, not with the past.
  void push_audio(TimePoint at, std::span<const float> pcm);
  // Exactly 20 ms (960 samples), all written; silence when nothing is received.
  void pull_audio(TimePoint at, std::span<float> out);

  // Requests over the WebSocket; refusals come back as SessionEvents::on_refused().
  void send_direction(bool sends, bool receives);
  void mute_self(bool muted);
  void chat(std::string text);
  void personal_gain(std::string talker, std::optional<double> db, bool mute);
  void whisper(std::vector<std::string> to);
  // Any other request of docs/protocol.md.
  void request(protocol::Request request);

  SessionState state() const;
  SessionStats stats() const;
  std::string resume_token() const;    // a secret: whoever has it is this participant; empty until joined
  std::string participant_id() const;  // empty until joined
  std::optional<Address> media_address() const;       // the server's, once known
  std::vector<protocol::Participant> roster() const;  // in the order of joining, oneself included

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace parley::client
