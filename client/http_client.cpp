#include "client/http_client.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/json.hpp>
#include <optional>

#include "client/tls.hpp"
#include "transport/base/log.hpp"

namespace parley::client {

namespace {

namespace beast = boost::beast;
namespace http = beast::http;
using tcp = boost::asio::ip::tcp;
using ErrorCode = beast::error_code;

// One call, as a chain of asynchronous steps, so that one deadline covers all of them.
class Call {
 public:
  Call(const ServerUrl& server, const HttpRequest& request)
      : server_(server), resolver_(context_), tcp_(context_) {
    message_.version(11);
    message_.method_string(request.method);
    message_.target(request.target);
    message_.set(http::field::host, server.authority());
    message_.set(http::field::user_agent, "parley/" PARLEY_VERSION);
    message_.set(http::field::connection, "close");
    if (!request.bearer.empty()) message_.set(http::field::authorization, "Bearer " + request.bearer);
    if (!request.range.empty()) message_.set(http::field::range, request.range);
    if (!request.json.empty()) {
      message_.set(http::field::content_type, "application/json");
      message_.body() = request.json;
    }
    message_.prepare_payload();
    parser_.body_limit(8 * 1024 * 1024);
  }

  Result<HttpResponse> run(Duration timeout) {
    if (server_.tls) {
      auto made = make_tls_context(server_);
      if (!made) return made.error();
      tls_context_ = std::move(*made);
    }
    resolver_.async_resolve(
        server_.host, std::to_string(server_.port), [this](ErrorCode error, const auto& found) {
          if (error) return fail("cannot find " + server_.host, error);
          tcp_.async_connect(found, [this](ErrorCode connect_error, const tcp::endpoint&) {
            if (connect_error) return fail("cannot connect to " + server_.authority(), connect_error);
            if (server_.tls) return shake_hands();
            stream_.emplace(std::move(tcp_));
            write();
          });
        });
    context_.run_for(timeout);
    if (error_) return *error_;
    if (!parser_.is_done()) return Error{server_.authority() + " does not answer"};
    return HttpResponse{static_cast<int>(parser_.get().result_int()), std::move(parser_.get().body())};
  }

 private:
  void shake_hands() {
    tls_.emplace(make_tls_stream(std::move(tcp_), *tls_context_, server_));
    tls_->async_handshake(boost::asio::ssl::stream_base::client, [this](ErrorCode error) {
      if (error) return fail("no TLS with " + server_.authority(), error);
      stream_.emplace(std::move(*tls_));
      write();
    });
  }
  void write() {
    http::async_write(*stream_, message_, [this](ErrorCode error, std::size_t) { read(error); });
  }
  void read(ErrorCode written) {
    if (written) return fail(server_.authority(), written);
    http::async_read(*stream_, buffer_, parser_, [this](ErrorCode error, std::size_t) {
      if (error) fail(server_.authority() + " gives no HTTP answer", error);
    });
  }
  void fail(const std::string& what, ErrorCode error) {
    error_ = Error{what + ": " + error.message(), error.value()};
  }

  const ServerUrl& server_;
  boost::asio::io_context context_;
  tcp::resolver resolver_;
  TlsContext tls_context_;
  beast::tcp_stream tcp_;
  std::optional<net::Stream::Tls> tls_;
  std::optional<net::Stream> stream_;  // what of the two carries HTTP
  http::request<http::string_body> message_;
  http::response_parser<http::string_body> parser_;
  beast::flat_buffer buffer_;
  std::optional<Error> error_;
};

}  // namespace

Result<HttpResponse> http_call(const ServerUrl& server, const HttpRequest& request, Duration timeout) {
  return Call(server, request).run(timeout);
}

std::string problem_of(const HttpResponse& response) {
  boost::json::error_code error;
  const auto parsed = boost::json::parse(response.body, error);
  if (!error && parsed.is_object()) {
    for (const char* field : {"detail", "title"}) {
      const auto* text = parsed.as_object().if_contains(field);
      if (text != nullptr && text->is_string() && !text->as_string().empty())
        return log::printable(std::string_view(text->as_string()));
    }
  }
  return "HTTP " + std::to_string(response.status);
}

}  // namespace parley::client
