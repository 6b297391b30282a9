// A TCP connection, plain or inside TLS (RFC 8446), that HTTP and the WebSocket read and write alike. A model
// of Asio's AsyncReadStream and AsyncWriteStream for completion handlers.
#pragma once

#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <boost/beast/websocket/teardown.hpp>
#include <utility>
#include <variant>

namespace parley::net {

class Stream {
 public:
  using Tcp = boost::beast::tcp_stream;
  using Tls = boost::asio::ssl::stream<Tcp>;
  using next_layer_type = Tcp;
  using executor_type = Tcp::executor_type;

  explicit Stream(Tcp tcp) : way_(std::move(tcp)) {}
  explicit Stream(Tls tls) : way_(std::move(tls)) {}

  bool is_tls() const { return std::holds_alternative<Tls>(way_); }
  Tcp& next_layer() {
    auto* tls = std::get_if<Tls>(&way_);
    return tls != nullptr ? tls->next_layer() : std::get<Tcp>(way_);
  }
  const Tcp& next_layer() const { return const_cast<Stream*>(this)->next_layer(); }
  executor_type get_executor() { return next_layer().get_executor(); }
  Tcp::socket_type& socket() { return next_layer().socket(); }
  template <typename Time>
  void expires_after(Time time) {
    next_layer().expires_after(time);
  }
  void expires_never() { next_layer().expires_never(); }

  template <typename Buffers, typename Handler>
  void async_read_some(const Buffers& buffers, Handler&& handler) {
    if (auto* tls = std::get_if<Tls>(&way_))
      tls->async_read_some(buffers, std::forward<Handler>(handler));
    else
      std::get<Tcp>(way_).async_read_some(buffers, std::forward<Handler>(handler));
  }
  template <typename Buffers, typename Handler>
  void async_write_some(const Buffers& buffers, Handler&& handler) {
    if (auto* tls = std::get_if<Tls>(&way_))
      tls->async_write_some(buffers, std::forward<Handler>(handler));
    else
      std::get<Tcp>(way_).async_write_some(buffers, std::forward<Handler>(handler));
  }

  // Says that nothing more will be written; of TLS, close_notify, and waits for the peer's.
  template <typename Handler>
  void async_finish(Handler&& handler) {
    if (auto* tls = std::get_if<Tls>(&way_)) return tls->async_shutdown(std::forward<Handler>(handler));
    boost::beast::error_code error;
    socket().shutdown(boost::asio::ip::tcp::socket::shutdown_send, error);
    std::forward<Handler>(handler)(error);
  }

  // What Beast calls to end a WebSocket's connection (found by argument-dependent lookup).
  template <typename Handler>
  friend void async_teardown(boost::beast::role_type role, Stream& stream, Handler&& handler) {
    using boost::beast::websocket::async_teardown;
    if (auto* tls = std::get_if<Tls>(&stream.way_))
      async_teardown(role, *tls, std::forward<Handler>(handler));
    else
      async_teardown(role, std::get<Tcp>(stream.way_), std::forward<Handler>(handler));
  }

 private:
  std::variant<Tcp, Tls> way_;
};

}  // namespace parley::net
