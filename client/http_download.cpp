#include "client/http_download.hpp"

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>

#include "client/http_client.hpp"
#include "client/tls.hpp"
#include "pipelines/recorder/crc32.hpp"
#include "transport/base/time.hpp"

namespace parley::client {

namespace {

namespace beast = boost::beast;
namespace http = beast::http;
namespace fs = std::filesystem;
using tcp = boost::asio::ip::tcp;
using ErrorCode = beast::error_code;

constexpr Duration kPatience = 20s;  // without a byte
constexpr std::size_t kPart = 64 * 1024;

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

std::uint64_t size_of(const std::string& path) {
  std::error_code error;
  const auto size = fs::file_size(path, error);
  return error ? 0 : size;
}

std::string checksum_of(const std::string& path) {
  const File file(std::fopen(path.c_str(), "rb"));
  if (!file) return {};
  std::array<std::uint8_t, kPart> part;
  std::uint32_t crc = 0;
  for (std::size_t got; (got = std::fread(part.data(), 1, part.size(), file.get())) > 0;)
    crc = recorder::crc32(Bytes(part.data(), got), crc);
  char text[9];
  std::snprintf(text, sizeof text, "%08x", crc);
  return text;
}

class Transfer {
 public:
  Transfer(const ServerUrl& server, const Download& what, std::string part)
      : server_(server), what_(what), part_(std::move(part)), tcp_(context_), begin_(size_of(part_)) {}

  Status run() {
    if (auto connected = connect(); !connected) return connected;
    if (auto answered = ask(); !answered) return answered;
    const int status = static_cast<int>(parser_.get().result_int());
    if (status == 416 && begin_ > 0) return Done{};  // all of it is here
    if (status != 200 && status != 206) return refused(status);
    if (status == 200) begin_ = 0;
    return receive();
  }
  bool resumed() const { return begin_ > 0; }
  // Of the whole file; empty: it has none yet.
  std::string checksum() const {
    std::string tag(parser_.get()[http::field::etag]);
    return tag.size() > 2 ? tag.substr(1, tag.size() - 2) : std::string();
  }

 private:
  // Runs one asynchronous step to its end or to the end of patience.
  template <typename Start>
  ErrorCode step(Start start) {
    std::optional<ErrorCode> result;
    start([&](ErrorCode error, auto&&...) { result = error; });
    context_.restart();
    context_.run_for(kPatience);
    if (!result) {
      (stream_ ? stream_->next_layer() : tcp_).cancel();
      context_.restart();
      context_.run();
    }
    return result.value_or(beast::error::timeout);
  }
  Error failure(const ErrorCode& error, const std::string& what = {}) const {
    return {what + server_.authority() + ": " + error.message(), 0};
  }

  Status connect() {
    TlsContext trust;
    if (server_.tls) {
      auto made = make_tls_context(server_);
      if (!made) return made.error();
      trust = std::move(*made);
    }
    tcp::resolver resolver(context_);
    tcp::resolver::results_type found;
    auto error = step([&](auto done) {
      resolver.async_resolve(server_.host, std::to_string(server_.port),
                             [&, done](ErrorCode e, const auto& results) {
                               found = results;
                               done(e);
                             });
    });
    if (!error) error = step([&](auto done) { tcp_.async_connect(found, done); });
    if (error) return failure(error);
    if (!server_.tls) {
      stream_.emplace(std::move(tcp_));
      return Done{};
    }
    auto tls = make_tls_stream(std::move(tcp_), *trust, server_);
    error = step([&](auto done) { tls.async_handshake(boost::asio::ssl::stream_base::client, done); });
    if (error) return failure(error, "no TLS with ");
    stream_.emplace(std::move(tls));
    return Done{};
  }

  Status ask() {
    http::request<http::empty_body> request(http::verb::get, what_.target, 11);
    request.set(http::field::host, server_.authority());
    request.set(http::field::connection, "close");
    if (!what_.bearer.empty()) request.set(http::field::authorization, "Bearer " + what_.bearer);
    if (begin_ > 0) request.set(http::field::range, "bytes=" + std::to_string(begin_) + "-");
    auto error = step([&](auto done) { http::async_write(*stream_, request, done); });
    parser_.body_limit(boost::none);
    if (!error) error = step([&](auto done) { http::async_read_header(*stream_, buffer_, parser_, done); });
    if (error) return failure(error);
    return Done{};
  }

  Status refused(int status) {
    HttpResponse response;
    response.status = status;
    response.body.resize(8 * 1024);
    parser_.get().body().data = response.body.data();
    parser_.get().body().size = response.body.size();
    static_cast<void>(step([&](auto done) { http::async_read(*stream_, buffer_, parser_, done); }));
    response.body.resize(response.body.size() - parser_.get().body().size);
    return Error{problem_of(response), status};
  }

  Status receive() {
    const File file(std::fopen(part_.c_str(), begin_ > 0 ? "ab" : "wb"));
    if (!file) return Error{part_ + ": " + std::strerror(errno), 0};
    const auto total = begin_ + parser_.content_length_remaining().value_or(0);
    std::uint64_t here = begin_;
    std::array<char, kPart> part;
    while (!parser_.is_done()) {
      auto& body = parser_.get().body();
      body.data = part.data();
      body.size = part.size();
      auto error = step([&](auto done) { http::async_read_some(*stream_, buffer_, parser_, done); });
      const auto got = part.size() - parser_.get().body().size;
      if (got > 0 && std::fwrite(part.data(), 1, got, file.get()) != got)
        return Error{part_ + ": " + std::strerror(errno), 0};
      here += got;
      if (what_.progress) what_.progress(here, total);
      if (error && error != http::error::need_buffer) return failure(error);
    }
    if (std::fflush(file.get()) != 0) return Error{part_ + ": " + std::strerror(errno), 0};
    return Done{};
  }

  const ServerUrl& server_;
  const Download& what_;
  const std::string part_;
  boost::asio::io_context context_;
  beast::tcp_stream tcp_;              // until it is connected
  std::optional<net::Stream> stream_;  // then what carries HTTP
  beast::flat_buffer buffer_;
  http::response_parser<http::buffer_body> parser_;
  std::uint64_t begin_;
};

}  // namespace

Result<Downloaded> download(const ServerUrl& server, const Download& what) {
  const auto part = what.output + ".part";
  Downloaded out;
  for (int attempt = 0;; ++attempt) {
    Transfer transfer(server, what, part);
    if (auto done = transfer.run(); !done) return done.error();
    out.resumed = transfer.resumed();
    const auto wanted = transfer.checksum();
    out.checked = !wanted.empty();
    if (wanted.empty() || checksum_of(part) == wanted) break;
    // What lay there before was of something else, or the tags of a recording that has just ended were
    // written meanwhile: once more, from the beginning.
    std::error_code ignored;
    fs::remove(part, ignored);
    if (attempt > 0) return Error{"what arrived is not what the server has", 0};
  }
  out.bytes = size_of(part);
  std::error_code error;
  fs::rename(part, what.output, error);
  if (error) return Error{what.output + ": " + error.message(), 0};
  return out;
}

}  // namespace parley::client
