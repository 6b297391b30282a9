// One WebSocket (RFC 6455): reads messages for its Conversation, writes a bounded queue of answers and
// events.
//
// It ends by the peer, by silence (no pong), by abuse, by a full queue (a reader that slow would be told
// about the past), or after the last event. The rooms hear of it once.
//
// Where UDP does not reach the client the connection carries its media, too, a packet in each binary frame.
// Messages go first; packets wait neither for long here (AgingQueue) nor in the kernel (MediaPace).
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "mcu/signaling/context.hpp"
#include "mcu/signaling/conversation.hpp"
#include "transport/base/aging_queue.hpp"
#include "transport/net/tcp_backlog.hpp"

namespace parley::signaling {

class WsSession final : public Connection,
                        public EventReceiver,
                        public std::enable_shared_from_this<WsSession> {
 public:
  WsSession(Stream stream, std::shared_ptr<Context> context, std::shared_ptr<ConnectionSlot> slot);
  ~WsSession() override;
  void start(const http::request<http::string_body>& upgrade);

  void send(std::shared_ptr<const std::string> text) override;
  void send_and_close(std::shared_ptr<const std::string> text) override;
  void send_packet(TimePoint made, Bytes packet) override;
  void stop() override;

 private:
  using CloseCode = beast::websocket::close_code;

  void read();
  void on_message();
  void write_next();
  void write_text();
  void write_packet();
  void write_packet_later();
  void finish(CloseCode code);     // what is queued goes out first
  void close_now(CloseCode code);  // what is queued is dropped
  void start_closing();
  void ended();

  beast::websocket::stream<Stream> stream_;
  std::shared_ptr<Context> context_;
  std::shared_ptr<ConnectionSlot> slot_;
  Conversation conversation_;
  room::ConnectionId connection_ = room::ConnectionId::none;
  beast::flat_buffer buffer_;
  std::deque<std::shared_ptr<const std::string>> queue_;
  std::size_t queued_bytes_ = 0;
  // Of a call whose media goes this way; none: it does not.
  struct Media {
    explicit Media(const Stream::executor_type& executor) : retry(executor) {}
    AgingQueue waiting;
    std::vector<std::uint8_t> leaving;  // what is being written
    net::MediaPace pace;
    asio::steady_timer retry;
    bool retrying = false;
  };
  std::unique_ptr<Media> media_;
  asio::steady_timer close_timer_;
  CloseCode close_code_ = CloseCode::normal;
  bool open_ = false, writing_ = false;
  bool finishing_ = false;  // nothing more is queued
  bool closing_ = false;    // the close frame is on its way
  bool ended_ = false;
};

}  // namespace parley::signaling
