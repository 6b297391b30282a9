// A whole signalling server in the test process, over a fake media plane: it runs on a thread of its own
// (ctl), the test talks to it over the loopback. Everything a client waits for has a time limit.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/json.hpp>
#include <future>
#include <memory>
#include <string>
#include <thread>

#include "mcu/room/calls.hpp"
#include "mcu/signaling/server.hpp"
#include "tests/unit/mcu/room/fakes.hpp"

namespace parley::signaling {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
namespace websocket = boost::beast::websocket;
namespace json = boost::json;

inline constexpr auto kPatience = std::chrono::seconds(20);

inline asio::ip::tcp::endpoint endpoint_of(const Address& address) {
  return {asio::ip::make_address(address.ip.to_string()), address.port};
}

// Runs one asynchronous operation to its end, or gives up on it.
template <typename Start>
beast::error_code run_one(asio::io_context& io, Start start) {
  beast::error_code result = asio::error::timed_out;
  start([&result](beast::error_code error, auto&&...) { result = error; });
  io.restart();
  io.run_for(kPatience);
  return result;
}

struct Answer {
  int status = 0;  // 0: none came
  http::fields headers;
  std::string body;

  std::string header(std::string_view name) const { return std::string(headers[{name.data(), name.size()}]); }
  json::object object() const {
    json::error_code error;
    auto value = json::parse(body, error);
    if (error || !value.is_object()) {
      ADD_FAILURE() << "not a JSON object: " << body;
      return {};
    }
    return value.as_object();
  }
  std::string code() const {
    const auto all = object();
    const auto* found = all.if_contains("code");
    return found != nullptr && found->is_string() ? std::string(found->as_string()) : "(no code)";
  }
};

using Headers = std::vector<std::pair<std::string, std::string>>;

// One TCP connection, with as much HTTP as a test wants.
class HttpClient {
 public:
  explicit HttpClient(const Address& server) : stream_(io_) {
    beast::error_code error;
    stream_.socket().connect(endpoint_of(server), error);
    EXPECT_FALSE(error) << error.message();
  }
  void send(std::string_view bytes) {
    beast::error_code ignored;  // the server may have had enough
    asio::write(stream_.socket(), asio::buffer(bytes.data(), bytes.size()), ignored);
  }
  // The next answer; `head`: of a request without a body in its answer.
  Answer receive(bool head = false) {
    http::response_parser<http::string_body> parser;
    parser.skip(head);
    parser.body_limit(16 * 1024 * 1024);
    const auto error = run_one(io_, [&](auto done) { http::async_read(stream_, buffer_, parser, done); });
    Answer answer;
    if (error) return answer;
    answer.status = static_cast<int>(parser.get().result_int());
    answer.headers = static_cast<const http::fields&>(parser.get().base());
    answer.body = parser.get().body();
    return answer;
  }
  // True when the server closes the connection without sending more.
  bool is_closed() {
    char byte = 0;
    const auto error =
        run_one(io_, [&](auto done) { stream_.async_read_some(asio::buffer(&byte, 1), done); });
    return error == asio::error::eof || error == asio::error::connection_reset;
  }
  beast::tcp_stream release() { return std::move(stream_); }

 private:
  asio::io_context io_;
  beast::tcp_stream stream_;
  beast::flat_buffer buffer_;
};

class WsClient {
 public:
  explicit WsClient(const Address& server, const std::string& origin = {}) : stream_(io_) {
    beast::get_lowest_layer(stream_).socket().connect(endpoint_of(server));
    stream_.read_message_max(0);
    stream_.set_option(websocket::stream_base::decorator([origin](websocket::request_type& request) {
      if (!origin.empty()) request.set(http::field::origin, origin);
    }));
    websocket::response_type response;
    handshake_error_ =
        run_one(io_, [&](auto done) { stream_.async_handshake(response, server.to_string(), "/ws", done); });
    status_ = static_cast<int>(response.result_int());
  }
  bool open() const { return !handshake_error_; }
  int status() const { return status_; }

  void send(std::string text) {
    const auto error = run_one(io_, [&](auto done) { stream_.async_write(asio::buffer(text), done); });
    EXPECT_FALSE(error) << error.message();
  }
  // The next message; empty when the connection has ended.
  json::object receive() {
    beast::flat_buffer buffer;
    read_error_ = run_one(io_, [&](auto done) { stream_.async_read(buffer, done); });
    if (read_error_) return {};
    const auto value = json::parse(beast::buffers_to_string(buffer.data()));
    return value.as_object();
  }
  // Skips events until a message of this type.
  json::object receive(std::string_view type) {
    for (;;) {
      auto message = receive();
      if (message.empty()) {
        ADD_FAILURE() << "no message of type " << type << ": " << read_error_.message();
        return message;
      }
      if (message.at("type").as_string() == type) return message;
    }
  }
  // Sends a request and gives its answer.
  json::object ask(json::object request) {
    const auto id = ++last_id_;
    request["id"] = id;
    send(json::serialize(request));
    for (;;) {
      auto message = receive();
      if (message.empty()) {
        ADD_FAILURE() << "no answer to " << json::serialize(request) << ": " << read_error_.message();
        return {{"type", "nothing"}};
      }
      if (const auto* answered = message.if_contains("id"); answered != nullptr && *answered == id)
        return message;
    }
  }
  json::object join(const std::string& room, const std::string& name, json::object more = {}) {
    more.insert({{"type", "join"}, {"room", room}, {"name", name}, {"sdp", "offer of " + name}});
    return ask(std::move(more));
  }
  // The close code once the server has closed; 0 when it ended otherwise.
  int close_code() {
    while (!receive().empty()) {
    }
    return read_error_ == websocket::error::closed ? static_cast<int>(stream_.reason().code) : 0;
  }
  websocket::stream<beast::tcp_stream>& stream() { return stream_; }
  asio::io_context& io() { return io_; }

 private:
  asio::io_context io_;
  websocket::stream<beast::tcp_stream> stream_;
  beast::error_code handshake_error_, read_error_;
  int status_ = 0;
  std::int64_t last_id_ = 0;
};

inline std::string type_of(const json::object& message) {
  return std::string(message.at("type").as_string());
}
inline std::string code_of(const json::object& message) {
  const auto* code = message.if_contains("code");
  return code != nullptr ? std::string(code->as_string()) : type_of(message);
}

class ServerTest : public ::testing::Test {
 protected:
  ~ServerTest() override { stop_server(); }

  // Before start().
  SignalingSettings settings = on_loopback();
  room::RoomSettings room_settings = generous();
  room::CallSettings call_settings;
  Ports ports;

  void start() {
    spdlog::set_level(spdlog::level::err);
    rooms_ = std::make_unique<room::RoomService>(room_settings, media, hub_);
    calls_ = std::make_unique<room::CallService>(call_settings, *rooms_, call_port_, hub_, now() - 1min);
    ports.calls = calls_.get();
    auto opened = Server::open(io_, settings, *rooms_, hub_, ports);
    ASSERT_TRUE(opened) << opened.error().what;
    server_ = std::move(*opened);
    address = server_->local();
    ctl_ = std::thread([this] { io_.run(); });
  }
  // Runs something on the server's thread and waits for it.
  template <typename Function>
  auto on_ctl(Function function) {
    std::packaged_task<decltype(function())()> task(std::move(function));
    auto result = task.get_future();
    asio::post(io_, [&task] { task(); });
    return result.get();
  }
  // Ends the thread as the app does: tells everybody, then lets the queues run dry.
  void stop_server() {
    if (!ctl_.joinable()) return;
    on_ctl([this] {
      rooms_->close_all(now(), "server-stopping", "the test is over");
      server_->stop();
    });
    ctl_.join();
  }
  room::RoomService& rooms() { return *rooms_; }
  Server& server() { return *server_; }
  EventHub& hub() { return hub_; }  // ctl's

  Answer request(const std::string& method, const std::string& target, const Headers& headers = {},
                 const std::string& body = {}) {
    HttpClient client(address);
    client.send(text_of(method, target, headers, body));
    return client.receive(method == "HEAD");
  }
  std::string text_of(const std::string& method, const std::string& target, const Headers& headers = {},
                      const std::string& body = {}) const {
    std::string text = method + " " + target + " HTTP/1.1\r\n";
    bool has_host = false;
    for (const auto& [name, value] : headers) {
      text += name + ": " + value + "\r\n";
      has_host = has_host || name == "Host";
    }
    if (!has_host) text += "Host: " + address.to_string() + "\r\n";
    if (!body.empty()) text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    return text + "\r\n" + body;
  }
  Answer api(const std::string& method, const std::string& path, const std::string& json_body = {}) {
    Headers headers;
    if (!json_body.empty()) headers.emplace_back("Content-Type", "application/json");
    if (!settings.admin_key.empty()) headers.emplace_back("Authorization", "Bearer " + settings.admin_key);
    return request(method, "/api/v1" + path, headers, json_body);
  }
  Answer whip(const std::string& target, const std::string& offer = "an offer") {
    return request("POST", target, {{"Content-Type", "application/sdp"}}, offer);
  }
  std::size_t people(const std::string& room) {
    return on_ctl([&] {
      const auto roster = rooms().roster(room);
      return roster ? roster->size() : 0;
    });
  }

  Address address;
  room::FakeMedia media;  // touched on ctl only

 private:
  static SignalingSettings on_loopback() {
    SignalingSettings loopback;
    loopback.listen = {IpAddress::v4(0x7f000001), 0};
    return loopback;
  }
  static room::RoomSettings generous() {
    room::RoomSettings all;
    all.joins_per_second = 0;
    return all;
  }

  class WithoutTokens final : public room::CallPort {
    std::string invite(const std::string&, const std::string&) override { return {}; }
  };

  asio::io_context io_;
  EventHub hub_;
  std::unique_ptr<room::RoomService> rooms_;
  WithoutTokens call_port_;
  std::unique_ptr<room::CallService> calls_;
  std::unique_ptr<Server> server_;
  std::thread ctl_;
};

}  // namespace parley::signaling
