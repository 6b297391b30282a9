// One TCP connection that speaks HTTP/1.1: requests one after the other (a pipelined one waits in the
// buffer), each phase with its own time limit. It ends as a WebSocket, by the peer, by a time limit, or by an
// answer that closes.
//
// Everything that can be refused is refused before the body is read: origin, path, method, access, size.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <memory>
#include <optional>

#include "mcu/signaling/context.hpp"

namespace parley::signaling {

class HttpSession final : public Connection, public std::enable_shared_from_this<HttpSession> {
 public:
  HttpSession(Stream stream, std::shared_ptr<Context> context, std::shared_ptr<ConnectionSlot> slot,
              beast::flat_buffer received);
  ~HttpSession() override;
  void start();
  void stop() override;

 private:
  using Parser = http::request_parser<http::string_body>;

  void next_request();
  void read_header();
  void on_header();
  std::optional<Response> examine();
  std::optional<Response> send_to_tls() const;
  std::optional<Response> find_route();
  void allow_body_then_read();
  void read_body();
  void call_handler();
  void answer_once(std::uint64_t request_number, Response response);
  void answer(Response response);
  void write(Response response);
  void stream(Response response, http::status status, unsigned version, bool keep_alive);
  void send_part(std::uint64_t at, bool keep_alive);
  void on_written(bool keep_alive);
  void upgrade();
  void drain_and_close();
  void drain(std::size_t left);
  void close();

  bool body_is_unread() const;
  std::size_t body_limit() const;
  Response preflight(const std::string& allow) const;

  Stream stream_;
  std::shared_ptr<Context> context_;
  std::shared_ptr<ConnectionSlot> slot_;
  beast::flat_buffer buffer_;
  std::optional<Parser> parser_;
  Request request_;
  const Route* route_ = nullptr;
  std::string allow_;
  asio::steady_timer handler_timer_;
  std::shared_ptr<void> message_;  // keeps what is being written
  Response streamed_;              // its source is being sent
  std::string part_;
  std::uint64_t request_number_ = 0;
  bool awaiting_ = false;  // the handler's answer to that request
  bool idle_ = false;      // between requests
  bool close_after_ = false;
};

}  // namespace parley::signaling
