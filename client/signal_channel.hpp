// The WebSocket to the server's /ws: connects, exchanges text messages, tells how it ended. Knows no message.
// Where UDP is blocked it carries media as well, a packet in each binary frame. Messages go first; packets
// that could not leave within 200 ms are dropped.
//
// Threads: the network thread's, all of it. Handlers are not called after close_now() or destruction.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "client/url.hpp"
#include "transport/base/address.hpp"
#include "transport/base/bytes.hpp"
#include "transport/base/result.hpp"
#include "transport/base/time.hpp"

namespace parley::client {

struct SignalHandlers {
  std::function<void()> on_open;
  std::function<void(std::string_view text)> on_message;
  std::function<void(Bytes)> on_packet;  // a binary frame
  // Once, unless close_now() came first. `opened`: on_open had been called. Error.what is a sentence.
  std::function<void(bool opened, const Error& why)> on_closed;
};

class SignalChannel {
 public:
  SignalChannel(boost::asio::io_context& context, SignalHandlers handlers);
  ~SignalChannel();
  SignalChannel(const SignalChannel&) = delete;
  SignalChannel& operator=(const SignalChannel&) = delete;

  // Once. `timeout` is for each of: resolving the name, TCP, the WebSocket handshake.
  void connect(const ServerUrl& server, Duration timeout);
  // Queued; a server that reads nothing until kMaxQueued messages wait ends the connection.
  void send(std::string text);
  // A packet of media, made at `made`.
  void send_packet(TimePoint made, Bytes packet);
  std::uint64_t packets_late() const;  // dropped
  void close_now();

  // Of the TCP connection; valid once open. The server's address is where its media is, too, unless it says
  // otherwise; ours is where it can reach us.
  IpAddress local_ip() const;
  IpAddress remote_ip() const;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace parley::client
