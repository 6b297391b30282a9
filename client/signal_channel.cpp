#include "client/signal_channel.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/websocket.hpp>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

#include "client/tls.hpp"
#include "transport/base/aging_queue.hpp"
#include "transport/net/tcp_backlog.hpp"
#include "transport/protocol/messages.hpp"

namespace parley::client {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = beast::websocket;
using ErrorCode = beast::error_code;
using tcp = asio::ip::tcp;

constexpr std::size_t kMaxQueued = 64;
// How soon a connection that is behind is looked at again.
constexpr auto kRetry = std::chrono::milliseconds(10);
constexpr auto kIdleTimeout = std::chrono::seconds(10);  // pings go out after half of it

IpAddress to_ip(const asio::ip::address& address) {
  if (address.is_v4()) return IpAddress::v4(address.to_v4().to_uint());
  return IpAddress::v6(address.to_v6().to_bytes());
}

}  // namespace

class SignalChannel::Impl : public std::enable_shared_from_this<SignalChannel::Impl> {
 public:
  Impl(asio::io_context& context, SignalHandlers handlers)
      : handlers_(std::make_shared<const SignalHandlers>(std::move(handlers))),
        resolver_(context),
        tcp_(context),
        resolve_timer_(context),
        retry_timer_(context) {}

  void connect(const ServerUrl& server, Duration timeout) {
    server_ = server;
    if (server.tls) {
      auto made = make_tls_context(server);
      if (!made)
        return asio::post(tcp_.get_executor(),
                          [self = shared_from_this(), what = made.error().what] { self->end(what, {}); });
      tls_context_ = std::move(*made);
    }
    timeout_ = std::chrono::duration_cast<std::chrono::milliseconds>(timeout);
    // The resolver has no timeout of its own, and a name server may never answer.
    resolve_timer_.expires_after(timeout_);
    resolve_timer_.async_wait([self = shared_from_this()](ErrorCode error) {
      if (!error) self->resolver_.cancel();
    });
    resolver_.async_resolve(
        server.host, std::to_string(server.port),
        [self = shared_from_this()](ErrorCode error, const tcp::resolver::results_type& found) {
          self->resolve_timer_.cancel();
          if (error) return self->end("cannot find " + self->server_.host, error);
          self->connect_tcp(found);
        });
  }

  void send(std::string text) {
    if (!open_ || ended_) return;
    if (outgoing_.size() >= kMaxQueued) return end("the server does not read", {});
    outgoing_.push_back(std::move(text));
    write_next();
  }

  void send_packet(TimePoint made, Bytes packet) {
    if (!open_ || ended_) return;
    packets_.push(made, packet);
    write_next();
  }
  std::uint64_t packets_late() const { return packets_.dropped(); }

  void close_now() {
    ended_ = true;
    handlers_.reset();
    shut();
  }

  IpAddress local_ip() const { return local_ip_; }
  IpAddress remote_ip() const { return remote_ip_; }

 private:
  void connect_tcp(const tcp::resolver::results_type& found) {
    if (ended_) return;
    tcp_.expires_after(timeout_);
    tcp_.async_connect(found, [self = shared_from_this()](ErrorCode error, const tcp::endpoint&) {
      if (error) return self->end("cannot connect to " + self->server_.authority(), error);
      if (self->ended_) return;
      if (self->server_.tls) return self->shake_hands();
      self->socket_.emplace(net::Stream(std::move(self->tcp_)));
      self->upgrade();
    });
  }

  void shake_hands() {
    tls_.emplace(make_tls_stream(std::move(tcp_), *tls_context_, server_));
    tls_->next_layer().expires_after(timeout_);
    tls_->async_handshake(asio::ssl::stream_base::client, [self = shared_from_this()](ErrorCode error) {
      if (error) return self->end("no TLS with " + self->server_.authority(), error);
      if (self->ended_) return;
      self->socket_.emplace(net::Stream(std::move(*self->tls_)));
      self->upgrade();
    });
  }

  void upgrade() {
    auto& stream = lowest();
    stream.expires_never();
    ErrorCode ignored;
    stream.socket().set_option(tcp::no_delay(true), ignored);
    local_ip_ = to_ip(stream.socket().local_endpoint(ignored).address());
    remote_ip_ = to_ip(stream.socket().remote_endpoint(ignored).address());

    websocket::stream_base::timeout limits{};
    limits.handshake_timeout = timeout_;
    limits.idle_timeout = kIdleTimeout;
    limits.keep_alive_pings = true;
    socket_->set_option(limits);
    socket_->read_message_max(protocol::kMaxServerMessage);
    socket_->set_option(websocket::stream_base::decorator([](websocket::request_type& request) {
      request.set(beast::http::field::user_agent, "parley/" PARLEY_VERSION);
    }));
    socket_->async_handshake(response_, server_.authority(), "/ws",
                             [self = shared_from_this()](ErrorCode error) {
                               if (error) return self->refused(error);
                               self->opened();
                             });
  }

  void refused(ErrorCode error) {
    std::string what = server_.authority() + " does not speak Parley's WebSocket";
    if (error == websocket::error::upgrade_declined)
      what = server_.authority() + " refused the WebSocket (HTTP " + std::to_string(response_.result_int()) +
             ")";
    end(what, error);
  }

  void opened() {
    if (ended_) return;
    open_ = true;
    const auto handlers = handlers_;
    handlers->on_open();
    if (!ended_) read();
  }

  void read() {
    socket_->async_read(incoming_, [self = shared_from_this()](ErrorCode error, std::size_t) {
      if (error) return self->end("the connection to " + self->server_.authority() + " was lost", error);
      if (self->ended_) return;
      self->take_frame();
      self->incoming_.consume(self->incoming_.size());
      if (!self->ended_) self->read();
    });
  }

  void take_frame() {
    const auto data = incoming_.cdata();
    const auto handlers = handlers_;
    if (socket_->got_text())
      handlers->on_message({static_cast<const char*>(data.data()), data.size()});
    else if (handlers->on_packet)
      handlers->on_packet({static_cast<const std::uint8_t*>(data.data()), data.size()});
  }

  void write_next() {
    if (writing_ || ended_) return;
    if (!outgoing_.empty()) {
      leaving_.assign(outgoing_.front().begin(), outgoing_.front().end());
      outgoing_.pop_front();
      return write(true);
    }
    if (packets_.empty()) return;
    const TimePoint at = now();
    const auto backlog = net::tcp_backlog(lowest().socket().native_handle());
    if (backlog && !pace_.may_write(at, *backlog)) return write_later();
    if (!packets_.pop(at, leaving_)) return;
    pace_.written(at, leaving_.size());
    write(false);
  }

  void write(bool text) {
    writing_ = true;
    socket_->text(text);
    socket_->async_write(asio::buffer(leaving_), [self = shared_from_this()](ErrorCode error, std::size_t) {
      self->writing_ = false;
      if (error) return self->end("the connection to " + self->server_.authority() + " was lost", error);
      self->write_next();
    });
  }

  void write_later() {
    if (std::exchange(retrying_, true)) return;
    retry_timer_.expires_after(kRetry);
    retry_timer_.async_wait([self = shared_from_this()](ErrorCode error) {
      self->retrying_ = false;
      if (!error) self->write_next();
    });
  }

  void end(const std::string& what, ErrorCode error) {
    if (ended_) return;
    ended_ = true;
    const auto handlers = std::move(handlers_);
    shut();
    handlers->on_closed(open_, Error{error ? what + ": " + error.message() : what, error.value()});
  }

  void shut() {
    resolver_.cancel();
    resolve_timer_.cancel();
    retry_timer_.cancel();
    ErrorCode ignored;
    lowest().socket().shutdown(tcp::socket::shutdown_both, ignored);
    lowest().close();
  }

  // The TCP connection, wherever it has got to.
  beast::tcp_stream& lowest() {
    if (socket_) return beast::get_lowest_layer(*socket_);
    return tls_ ? tls_->next_layer() : tcp_;
  }

  // Shared, because a handler may close the channel that is calling it.
  std::shared_ptr<const SignalHandlers> handlers_;
  tcp::resolver resolver_;
  TlsContext tls_context_;
  beast::tcp_stream tcp_;
  std::optional<net::Stream::Tls> tls_;
  std::optional<websocket::stream<net::Stream>> socket_;
  asio::steady_timer resolve_timer_, retry_timer_;
  websocket::response_type response_;
  beast::flat_buffer incoming_;
  std::deque<std::string> outgoing_;
  AgingQueue packets_;
  net::MediaPace pace_;
  std::vector<std::uint8_t> leaving_;  // what is being written
  bool writing_ = false, retrying_ = false;
  ServerUrl server_;
  std::chrono::milliseconds timeout_{};
  IpAddress local_ip_, remote_ip_;
  bool open_ = false;
  bool ended_ = false;
};

SignalChannel::SignalChannel(asio::io_context& context, SignalHandlers handlers)
    : impl_(std::make_shared<Impl>(context, std::move(handlers))) {}
SignalChannel::~SignalChannel() {
  impl_->close_now();
}

void SignalChannel::connect(const ServerUrl& server, Duration timeout) {
  impl_->connect(server, timeout);
}
void SignalChannel::send(std::string text) {
  impl_->send(std::move(text));
}
void SignalChannel::send_packet(TimePoint made, Bytes packet) {
  impl_->send_packet(made, packet);
}
std::uint64_t SignalChannel::packets_late() const {
  return impl_->packets_late();
}
void SignalChannel::close_now() {
  impl_->close_now();
}
IpAddress SignalChannel::local_ip() const {
  return impl_->local_ip();
}
IpAddress SignalChannel::remote_ip() const {
  return impl_->remote_ip();
}

}  // namespace parley::client
