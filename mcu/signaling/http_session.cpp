#include "mcu/signaling/http_session.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/beast/websocket/rfc6455.hpp>
#include <cctype>

#include "mcu/signaling/problem.hpp"
#include "mcu/signaling/ws_session.hpp"
#include "transport/base/log.hpp"

namespace parley::signaling {
namespace {

constexpr std::uint32_t kHeaderLimit = 8 * 1024;
constexpr std::size_t kReadAhead = 4096;
constexpr std::size_t kPart = 128 * 1024;
constexpr std::size_t kMaxDrained = 1024 * 1024;
constexpr Duration kDrainTime = 2s;

// A handler's text never starts a header of its own.
bool is_header_value(const std::string& value) {
  return std::none_of(value.begin(), value.end(), [](unsigned char c) { return std::iscntrl(c) != 0; });
}

// Not what it must be, in contrast to: not all there.
bool is_malformed(const beast::error_code& error) {
  const auto known = http::make_error_code(http::error::end_of_stream);
  return error.category() == known.category() && error != known && error != http::error::partial_message;
}

template <typename Body>
void fill_header(http::response<Body>& message, const Response& response) {
  for (const auto& [name, value] : response.headers)
    if (is_header_value(value)) message.insert(name, value);
  message.set(http::field::date, http_date(std::time(nullptr)));
  message.set("X-Content-Type-Options", "nosniff");
  message.set("Referrer-Policy", "no-referrer");
  if (message.find(http::field::cache_control) == message.end())
    message.set(http::field::cache_control, "no-store");
  if (!response.content_type.empty()) message.set(http::field::content_type, response.content_type);
}

}  // namespace

HttpSession::HttpSession(Stream stream, std::shared_ptr<Context> context,
                         std::shared_ptr<ConnectionSlot> slot, beast::flat_buffer received)
    : stream_(std::move(stream)),
      context_(std::move(context)),
      slot_(std::move(slot)),
      buffer_(std::move(received)),
      handler_timer_(stream_.get_executor()) {
  context_->open.insert(this);
}
HttpSession::~HttpSession() {
  context_->open.erase(this);
}

void HttpSession::start() {
  next_request();
}

void HttpSession::stop() {
  close_after_ = true;
  if (idle_) close();
}

// --- Reading

void HttpSession::next_request() {
  parser_.emplace();
  parser_->header_limit(kHeaderLimit);
  parser_->body_limit(std::max(context_->settings.max_sdp_bytes, context_->settings.max_body_bytes));
  request_ = {};
  request_.remote = slot_->remote();
  route_ = nullptr;
  allow_.clear();
  if (buffer_.size() > 0) return read_header();
  // The time between requests is not the time for a request: it begins with the first byte.
  idle_ = true;
  stream_.expires_after(context_->settings.idle_timeout);
  stream_.async_read_some(buffer_.prepare(kReadAhead),
                          [self = shared_from_this()](beast::error_code error, std::size_t size) {
                            self->idle_ = false;
                            if (error) return self->close();
                            self->buffer_.commit(size);
                            self->read_header();
                          });
}

void HttpSession::read_header() {
  stream_.expires_after(context_->settings.header_timeout);
  http::async_read_header(stream_, buffer_, *parser_,
                          [self = shared_from_this()](beast::error_code error, std::size_t) {
                            if (!error) return self->on_header();
                            if (error == http::error::header_limit)
                              return self->answer(problem(431, "bad-request", "the header is too large"));
                            if (error == http::error::body_limit)
                              return self->answer(problem(413, "too-large", "the body is too large"));
                            if (is_malformed(error))
                              return self->answer(problem(400, "bad-request", "this is not HTTP/1.1"));
                            self->close();
                          });
}

void HttpSession::on_header() {
  request_.method = parser_->get().method();
  request_.headers = static_cast<const http::fields&>(parser_->get().base());
  if (auto refused = examine()) return answer(std::move(*refused));
  if (route_ == nullptr) return upgrade();
  allow_body_then_read();
}

// What can be said before the body is here. Leaves route_ empty only for the WebSocket.
std::optional<Response> HttpSession::examine() {
  const auto target = parser_->get().target();
  if (!parse_target({target.data(), target.size()}, request_))
    return problem(400, "bad-request", "the request target cannot be understood");
  if (parser_->get().version() == 11 && request_.headers.count(http::field::host) == 0)
    return problem(400, "bad-request", "HTTP/1.1 needs a Host");
  if (auto refused = context_->gate.refuse_stranger(request_)) return refused;
  if (auto elsewhere = send_to_tls()) return elsewhere;
  const auto& from = slot_->remote().ip;
  if (!from.is_loopback() && !context_->requests.take(now(), from.to_string()))
    return problem(429, "too-many", "too many requests at the moment, try again in a second");

  if (request_.path == std::vector<std::string>{"ws"} && request_.method == http::verb::get) {
    const bool hasty = buffer_.size() > 0;  // frames before the handshake has been answered
    if (beast::websocket::is_upgrade(parser_->get()) && !hasty) return std::nullopt;
    return problem(426, "bad-request", "this is a WebSocket")
        .with("Upgrade", "websocket")
        .with("Connection", "Upgrade");
  }
  return find_route();
}

// A server with a certificate speaks plain HTTP to its own host only: keys and tokens stay off the wire.
std::optional<Response> HttpSession::send_to_tls() const {
  if (!context_->tls || stream_.is_tls() || slot_->remote().ip.is_loopback()) return std::nullopt;
  const auto target = parser_->get().target();
  return problem(308, "bad-request", "this server wants HTTPS")
      .with("Location",
            "https://" + request_.header(http::field::host) + std::string(target.data(), target.size()));
}

std::optional<Response> HttpSession::find_route() {
  auto match = context_->router.find(request_.method, request_.path);
  if (match.allow.empty()) return problem(404, "not-found", "there is nothing here");
  if (request_.method == http::verb::options && match.route == nullptr) return preflight(match.allow);
  if (match.route == nullptr)
    return problem(405, "method-not-allowed", "not with this method").with("Allow", match.allow);
  request_.variables = std::move(match.variables);
  route_ = match.route;
  if (auto refused = context_->gate.refuse_access(route_->policy.access, request_, Moment::now()))
    return refused;
  const auto length = parser_->content_length();
  if (length && *length > body_limit())
    return problem(413, "too-large", "the body may have " + std::to_string(body_limit()) + " bytes");
  return std::nullopt;
}

std::size_t HttpSession::body_limit() const {
  switch (route_->policy.body) {
    case Body::sdp:
      return context_->settings.max_sdp_bytes;
    case Body::json:
      return context_->settings.max_body_bytes;
    case Body::none:
      break;
  }
  return 0;
}

Response HttpSession::preflight(const std::string& allow) const {
  Response response;
  response.status = 204;
  response.with("Allow", allow);
  if (!context_->gate.cors_origin(request_).empty()) {
    response.with("Access-Control-Allow-Methods", allow)
        .with("Access-Control-Allow-Headers", "Authorization, Content-Type, If-Match")
        .with("Access-Control-Max-Age", "600");
  }
  return response;
}

void HttpSession::allow_body_then_read() {
  parser_->body_limit(body_limit());
  if (!equal_ignoring_case(request_.header(http::field::expect), "100-continue")) return read_body();
  const auto go_on = std::make_shared<http::response<http::empty_body>>(http::status::continue_, 11);
  message_ = go_on;
  stream_.expires_after(context_->settings.write_timeout);
  http::async_write(stream_, *go_on, [self = shared_from_this()](beast::error_code error, std::size_t) {
    if (error) return self->close();
    self->read_body();
  });
}

void HttpSession::read_body() {
  stream_.expires_after(context_->settings.body_timeout);
  http::async_read(stream_, buffer_, *parser_,
                   [self = shared_from_this()](beast::error_code error, std::size_t) {
                     if (!error) return self->call_handler();
                     if (error == http::error::body_limit)
                       return self->answer(problem(413, "too-large", "the body is too large"));
                     if (error == http::error::bad_chunk || error == http::error::bad_chunk_extension)
                       return self->answer(problem(400, "bad-request", "the body is malformed"));
                     self->close();
                   });
}

// --- Answering

void HttpSession::call_handler() {
  request_.body = std::move(parser_->get().body());
  stream_.expires_never();
  const auto number = ++request_number_;
  awaiting_ = true;
  handler_timer_.expires_after(context_->settings.handler_timeout);
  handler_timer_.async_wait([self = shared_from_this(), number](beast::error_code error) {
    if (!error) self->answer_once(number, problem(503, "unavailable", "the answer took too long"));
  });
  // Posted: a handler may answer from inside its own call, or from a callback of somebody else's.
  const Reply reply([weak = weak_from_this(), number](Response response) {
    if (const auto self = weak.lock()) {
      asio::post(self->stream_.get_executor(), [self, number, response = std::move(response)]() mutable {
        self->answer_once(number, std::move(response));
      });
    }
  });
  try {
    route_->handler(request_, reply);
  } catch (const std::exception& error) {
    log::error("{} {}: {}", std::string(http::to_string(request_.method)),
               log::printable(request_.path.empty() ? "" : request_.path.front()), error.what());
    reply(problem(500, "internal", "this is an error of the server"));
  }
}

void HttpSession::answer_once(std::uint64_t request_number, Response response) {
  if (!awaiting_ || request_number != request_number_) return;
  awaiting_ = false;
  handler_timer_.cancel();
  answer(std::move(response));
}

void HttpSession::answer(Response response) {
  if (body_is_unread()) close_after_ = true;
  const auto cors = context_->gate.cors_origin(request_);
  if (!cors.empty()) {
    response.with("Access-Control-Allow-Origin", cors)
        .with("Access-Control-Expose-Headers", "Location, ETag, Link, WWW-Authenticate, Retry-After")
        .with("Vary", "Origin");
  }
  ++context_->stats.answers_by_class.at(static_cast<std::size_t>(std::clamp(response.status / 100, 0, 5)));
  write(std::move(response));
}

bool HttpSession::body_is_unread() const {
  return !parser_->is_done();
}

void HttpSession::write(Response response) {
  const auto status = static_cast<http::status>(response.status);
  const unsigned version = std::clamp(parser_->get().version(), 10U, 11U);
  const bool keep_alive = parser_->is_header_done() && parser_->get().keep_alive() && !close_after_;
  const auto finish = [this, keep_alive](auto message) {
    message->keep_alive(keep_alive);
    message_ = message;
    stream_.expires_after(context_->settings.write_timeout);
    http::async_write(stream_, *message,
                      [self = shared_from_this(), keep_alive](beast::error_code error, std::size_t) {
                        if (error) return self->close();
                        self->on_written(keep_alive);
                      });
  };
  const bool has_no_body = response.status == 204 || response.status == 304;
  if (request_.method == http::verb::head || has_no_body) {
    const auto message = std::make_shared<http::response<http::empty_body>>(status, version);
    fill_header(*message, response);
    if (!has_no_body) message->content_length(response.source ? response.source_size : response.body.size());
    return finish(message);
  }
  if (response.source) return stream(std::move(response), status, version, keep_alive);
  const auto message = std::make_shared<http::response<http::string_body>>(status, version);
  fill_header(*message, response);
  message->body() = std::move(response.body);
  message->prepare_payload();
  finish(message);
}

// The header, then one part after the other: the next is fetched when the last has been sent.
void HttpSession::stream(Response response, http::status status, unsigned version, bool keep_alive) {
  struct Head {
    Head(http::status s, unsigned v) : message(s, v), serializer(message) {}
    http::response<http::empty_body> message;
    http::response_serializer<http::empty_body> serializer;
  };
  const auto head = std::make_shared<Head>(status, version);
  fill_header(head->message, response);
  head->message.content_length(response.source_size);
  head->message.keep_alive(keep_alive);
  message_ = head;
  streamed_ = std::move(response);
  stream_.expires_after(context_->settings.write_timeout);
  http::async_write_header(stream_, head->serializer,
                           [self = shared_from_this(), keep_alive](beast::error_code error, std::size_t) {
                             if (error) return self->close();
                             self->send_part(0, keep_alive);
                           });
}

void HttpSession::send_part(std::uint64_t at, bool keep_alive) {
  const auto left = streamed_.source_size - at;
  if (left == 0) {
    streamed_ = {};
    return on_written(keep_alive);
  }
  const auto send = [weak = weak_from_this(), at, left, keep_alive](std::optional<std::string> part) {
    const auto self = weak.lock();
    if (!self) return;
    self->message_.reset();
    // The length has been promised: a body that ends early can only end the connection.
    if (!part || part->empty()) return self->close();
    self->part_ = std::move(*part);
    if (self->part_.size() > left) self->part_.resize(static_cast<std::size_t>(left));
    self->stream_.expires_after(self->context_->settings.write_timeout);
    asio::async_write(self->stream_, asio::buffer(self->part_),
                      [self, at, keep_alive](beast::error_code error, std::size_t size) {
                        if (error) return self->close();
                        self->send_part(at + size, keep_alive);
                      });
  };
  stream_.expires_never();
  message_ = shared_from_this();  // nobody else holds this session while the part is fetched
  streamed_.source->read(streamed_.source_at + at, kPart, [weak = weak_from_this(), send](auto part) {
    if (const auto self = weak.lock())
      asio::post(self->stream_.get_executor(),
                 [send, part = std::move(part)]() mutable { send(std::move(part)); });
  });
}

void HttpSession::on_written(bool keep_alive) {
  message_.reset();
  if (keep_alive && !close_after_) return next_request();
  drain_and_close();
}

void HttpSession::upgrade() {
  stream_.expires_never();
  std::make_shared<WsSession>(std::move(stream_), context_, slot_)->start(parser_->release());
}

// --- Ending

// A peer that still sends when we close would get a reset, and lose the answer it has not read yet.
void HttpSession::drain_and_close() {
  stream_.expires_after(kDrainTime);
  buffer_.clear();
  stream_.async_finish([self = shared_from_this()](beast::error_code) {
    if (self->stream_.is_tls()) return self->close();
    self->drain(kMaxDrained);
  });
}

void HttpSession::drain(std::size_t left) {
  stream_.async_read_some(buffer_.prepare(kReadAhead),
                          [self = shared_from_this(), left](beast::error_code error, std::size_t size) {
                            if (error || size >= left) return self->close();
                            self->drain(left - size);
                          });
}

void HttpSession::close() {
  beast::error_code ignored;
  stream_.socket().close(ignored);
}

}  // namespace parley::signaling
