#include "mcu/signaling/ws_session.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/core/buffers_to_string.hpp>

#include "transport/base/log.hpp"

namespace parley::signaling {
namespace {

namespace websocket = beast::websocket;

// A large message is rare (an offer has a few kilobytes): its room is given back.
constexpr std::size_t kKeptBuffer = 16 * 1024;
constexpr Duration kHandshakeTime = 10s;
// How long a peer may take to answer our close frame, or to make room for it.
constexpr Duration kCloseTime = 3s;
// How soon a connection that is behind is looked at again.
constexpr Duration kRetry = 10ms;

}  // namespace

WsSession::WsSession(Stream stream, std::shared_ptr<Context> context, std::shared_ptr<ConnectionSlot> slot)
    : stream_(std::move(stream)),
      context_(std::move(context)),
      slot_(std::move(slot)),
      conversation_(*context_, slot_->remote().ip.to_string(),
                    stream_.next_layer().is_tls() || slot_->remote().ip.is_loopback()),
      close_timer_(stream_.get_executor()) {
  context_->open.insert(this);
  ++context_->stats.websockets;
}

WsSession::~WsSession() {
  context_->open.erase(this);
  --context_->stats.websockets;
}

void WsSession::start(const http::request<http::string_body>& upgrade) {
  websocket::stream_base::timeout times;
  times.handshake_timeout = kHandshakeTime;
  times.idle_timeout = context_->settings.ping_timeout;
  times.keep_alive_pings = true;
  stream_.set_option(times);
  stream_.read_message_max(protocol::kMaxClientMessage);
  stream_.auto_fragment(false);
  stream_.control_callback([this](websocket::frame_type, beast::string_view) {
    // Called from inside a read, which is no place to close from.
    if (conversation_.take_control(Moment::now())) return;
    asio::post(stream_.get_executor(),
               [self = shared_from_this()] { self->close_now(CloseCode::policy_error); });
  });
  stream_.async_accept(upgrade, [self = shared_from_this()](beast::error_code error) {
    if (error) return;
    self->open_ = true;
    self->connection_ = self->context_->hub.add(self->weak_from_this());
    self->conversation_.begin(self->connection_);
    ++self->context_->stats.answers_by_class[1];
    if (self->finishing_) return self->start_closing();
    self->read();
  });
}

// --- Reading

void WsSession::read() {
  stream_.async_read(buffer_, [self = shared_from_this()](beast::error_code error, std::size_t) {
    if (error) return self->ended();
    self->on_message();
  });
}

void WsSession::on_message() {
  const auto data = buffer_.cdata();
  const bool is_packet =
      !stream_.got_text() &&
      conversation_.take_packet(Moment::now(), {static_cast<const std::uint8_t*>(data.data()), data.size()});
  if (!finishing_ && !is_packet) {
    const std::string_view text(static_cast<const char*>(data.data()), data.size());
    auto answer =
        stream_.got_text() ? conversation_.take(Moment::now(), text) : conversation_.refuse_binary();
    send(std::make_shared<const std::string>(std::move(answer.text)));
    if (answer.is_abuse) finish(CloseCode::policy_error);
    if (answer.then_close) finish(CloseCode::normal);
  }
  buffer_.consume(buffer_.size());
  if (buffer_.capacity() > kKeptBuffer) buffer_.shrink_to_fit();
  read();
}

// --- Writing

void WsSession::send(std::shared_ptr<const std::string> text) {
  if (finishing_ || !open_) return;
  const auto& settings = context_->settings;
  if (queue_.size() >= settings.queue_messages || queued_bytes_ + text->size() > settings.queue_bytes) {
    // A single answer larger than the queue (the roster of a great room) still goes to a reader that keeps
    // up.
    if (!queue_.empty()) {
      ++context_->stats.slow_readers;
      log::info("a WebSocket of {} reads too slowly, closing it", slot_->remote().to_string());
      return close_now(CloseCode::policy_error);
    }
  }
  queued_bytes_ += text->size();
  queue_.push_back(std::move(text));
  write_next();
}

void WsSession::send_packet(TimePoint made, Bytes packet) {
  if (finishing_ || !open_) return;
  if (!media_) media_ = std::make_unique<Media>(stream_.get_executor());
  const auto dropped = media_->waiting.dropped();
  media_->waiting.push(made, packet);
  context_->stats.packets_late += media_->waiting.dropped() - dropped;
  write_next();
}

void WsSession::write_next() {
  if (writing_) return;
  if (!queue_.empty()) return write_text();
  if (finishing_) return start_closing();
  if (media_ && !media_->waiting.empty()) write_packet();
}

void WsSession::write_packet() {
  const TimePoint at = now();
  const auto backlog = net::tcp_backlog(beast::get_lowest_layer(stream_).socket().native_handle());
  if (backlog && !media_->pace.may_write(at, *backlog)) return write_packet_later();
  const auto dropped = media_->waiting.dropped();
  const bool taken = media_->waiting.pop(at, media_->leaving);
  context_->stats.packets_late += media_->waiting.dropped() - dropped;
  if (!taken) return;
  writing_ = true;
  ++context_->stats.packets_out;
  media_->pace.written(at, media_->leaving.size());
  stream_.binary(true);
  stream_.async_write(asio::buffer(media_->leaving),
                      [self = shared_from_this()](beast::error_code error, std::size_t) {
                        self->writing_ = false;
                        if (self->closing_ || error) return;  // the read that is under way ends the session
                        self->write_next();
                      });
}

void WsSession::write_packet_later() {
  if (std::exchange(media_->retrying, true)) return;
  media_->retry.expires_after(kRetry);
  media_->retry.async_wait([self = shared_from_this()](beast::error_code error) {
    self->media_->retrying = false;
    if (!error && !self->closing_) self->write_next();
  });
}

void WsSession::write_text() {
  writing_ = true;
  stream_.text(true);
  stream_.async_write(asio::buffer(*queue_.front()),
                      [self = shared_from_this()](beast::error_code error, std::size_t) {
                        self->writing_ = false;
                        if (self->closing_ || error) return;  // the read that is under way ends the session
                        self->queued_bytes_ -= self->queue_.front()->size();
                        self->queue_.pop_front();
                        self->write_next();
                      });
}

// --- Ending

void WsSession::send_and_close(std::shared_ptr<const std::string> text) {
  send(std::move(text));
  finish(CloseCode::normal);
}

void WsSession::stop() {
  if (!open_) return close_now(CloseCode::going_away);
  finish(CloseCode::going_away);
}

void WsSession::finish(CloseCode code) {
  if (finishing_) return;
  finishing_ = true;
  close_code_ = code;
  if (open_ && queue_.empty()) start_closing();
}

void WsSession::close_now(CloseCode code) {
  if (closing_) return;
  finishing_ = true;
  close_code_ = code;
  if (open_) start_closing();
}

void WsSession::start_closing() {
  closing_ = true;
  // A peer that does not read cannot be told; the timer then takes the connection away.
  close_timer_.expires_after(kCloseTime);
  close_timer_.async_wait([self = shared_from_this()](beast::error_code error) {
    beast::error_code ignored;
    if (!error) beast::get_lowest_layer(self->stream_).socket().close(ignored);
  });
  stream_.async_close(close_code_, [self = shared_from_this()](beast::error_code) { self->ended(); });
}

void WsSession::ended() {
  if (std::exchange(ended_, true)) return;
  finishing_ = closing_ = true;
  close_timer_.cancel();
  if (media_) media_->retry.cancel();
  beast::error_code ignored;
  beast::get_lowest_layer(stream_).socket().close(ignored);
  context_->hub.remove(connection_);
  context_->rooms.connection_lost(now(), connection_);
  if (context_->ports.calls != nullptr) context_->ports.calls->connection_lost(now(), connection_);
}

}  // namespace parley::signaling
