// A line to the server on which a name can be called, and from which others are called: docs/protocol.md,
// "Calls". Signalling only; the call itself is a Session in the room that an accepted call names.
//
// A line that was up and is lost comes back by itself: it registers again, and calls again if it was calling.
//
// Threads: events are called on the network thread and must not block; everything else may be called from
// any thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "client/session_types.hpp"
#include "client/url.hpp"
#include "transport/protocol/messages.hpp"

namespace parley::client {

class NetThread;

struct CallLineConfig {
  ServerUrl server;
  std::string name;
  std::string token;      // for calls; empty: none
  std::string key;        // proves the name where there are no tokens
  bool registers = true;  // can be called; false: only calls
  Duration connect_timeout = 5s;
  Duration reconnect_limit = 5min;
};

class CallLineEvents {
 public:
  virtual ~CallLineEvents() = default;
  virtual void on_registered(const protocol::Registered&) {}  // again after each return
  virtual void on_missed(const protocol::CallMissed&) {}
  virtual void on_incoming(const protocol::CallIncoming&) {}
  virtual void on_calling(const protocol::Calling&) {}
  virtual void on_accepted(const protocol::CallAccepted&) {}  // either way
  virtual void on_call_ended(const protocol::CallEnded&) {}   // before it was accepted, either way
  virtual void on_lost(std::string_view /*why*/) {}           // and trying to come back
  virtual void on_refused(std::string_view /*code*/, std::string_view /*message*/) {}
  virtual void on_end(const SessionEnd&) {}  // once, the last event
};

class CallLine {
 public:
  // `net` and `events` outlive the line.
  CallLine(NetThread& net, CallLineConfig config, CallLineEvents& events);
  // At once; what rings is cancelled.
  ~CallLine();
  CallLine(const CallLine&) = delete;
  CallLine& operator=(const CallLine&) = delete;

  void start();  // once
  void call(std::string to);
  void cancel();  // the call that rings at the other's
  void accept(std::string call);
  void decline(std::string call, bool busy = false);
  void close();  // in order: the name is free again

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace parley::client
