#include "tests/scenario/call.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>

#include "pipelines/room_pipeline.hpp"

namespace parley::scenario {

settings::Settings loopback_settings() {
  settings::Settings out;
  out.http.listen = Address{IpAddress::v4(0x7f000001), 0};
  out.media.listen = Address{IpAddress::v4(0x7f000001), 0};
  out.media.plain_rtp_from = {*IpNetwork::parse("127.0.0.0/8")};
  out.log.level = settings::LogLevel::warn;
  // It waits until nothing else wants the processor, which in a run of all tests may be long.
  out.recording.loudness = false;
  out.quality.keep_days = 0;  // tests share a folder
  out.rooms.state_file.clear();
  return out;
}

std::string wait_until(const std::function<std::string()>& reason, Duration limit) {
  const TimePoint end = now() + limit;
  for (;;) {
    std::string missing = reason();
    if (missing.empty() || now() >= end) return missing;
    std::this_thread::sleep_for(5ms);
  }
}

Server::Server(const settings::Settings& settings) {
  pipelines::init();
  auto app = app::App::open(settings, "");
  if (!app) throw std::runtime_error(app.error().what);
  app_ = std::move(app).value();
  thread_ = std::thread([this] { app_->run(); });
}

Server::~Server() {
  stop();
}

void Server::stop() {
  if (!thread_.joinable()) return;
  app_->request_stop();
  thread_.join();
}

client::ServerUrl Server::url() const {
  client::ServerUrl url;
  url.host = "127.0.0.1";
  url.port = app_->http().port;
  return url;
}

Folder::Folder() {
  char name[] = "/tmp/parley-test-XXXXXX";
  if (::mkdtemp(name) == nullptr) throw std::runtime_error("no folder can be made below /tmp");
  path_ = name;
}

Folder::~Folder() {
  std::error_code error;
  std::filesystem::remove_all(path_, error);
}

Server::Answer Server::http(const std::string& method, const std::string& target, const std::string& body,
                            const std::string& type, const std::string& key) const {
  namespace asio = boost::asio;
  namespace http = boost::beast::http;
  asio::io_context io;
  asio::ip::tcp::socket socket(io);
  const Address server = app_->http();
  socket.connect({asio::ip::make_address(server.ip.to_string()), server.port});
  http::request<http::string_body> request(http::string_to_verb(method), target, 11);
  request.set(http::field::host, "127.0.0.1");
  request.set(http::field::connection, "close");
  if (!key.empty()) request.set(http::field::authorization, "Bearer " + key);
  if (method == "PATCH") request.set(http::field::if_match, "*");
  if (!body.empty()) {
    request.set(http::field::content_type, type);
    request.body() = body;
  }
  request.prepare_payload();
  http::write(socket, request);
  boost::beast::flat_buffer buffer;
  http::response<http::string_body> response;
  http::read(socket, buffer, response);
  return {static_cast<int>(response.result_int()), response.body(),
          std::string(response[http::field::location])};
}

Caller::Caller(Clients& clients, client::SessionConfig config, std::unique_ptr<client::AudioSource> source)
    : clients_(clients), source_(std::move(source)) {
  session_ = std::make_unique<client::Session>(clients.net, std::move(config), *this);
  session_->start();
  step_ = clients_.pacer.add([this](TimePoint at) { step(at); });
}

Caller::~Caller() {
  clients_.pacer.remove(step_);
  session_.reset();
}

void Caller::step(TimePoint at) {
  const auto state = session_->state();
  const bool away = live_ && state == client::SessionState::reconnecting;
  if (state != client::SessionState::live && !away) return;
  std::array<float, 960> in{};
  std::array<float, 960> out{};
  source_->read(in);
  session_->push_audio(at, in);
  session_->pull_audio(at, out);
  const std::lock_guard lock(lock_);
  if (!live_) {
    live_ = true;
    listening_since_ = at;
    speaking_since_ = at;
  }
  heard_.insert(heard_.end(), out.begin(), out.end());
}

std::string Caller::wait_live(Duration limit) {
  return wait_until(
      [this]() -> std::string {
        if (session_->state() == client::SessionState::live) return {};
        return std::string("state is ") + to_string(session_->state()) + " " + end().message;
      },
      limit);
}

void Caller::leave() {
  session_->leave();
}

std::vector<float> Caller::heard() const {
  const std::lock_guard lock(lock_);
  return heard_;
}
TimePoint Caller::listening_since() const {
  const std::lock_guard lock(lock_);
  return listening_since_;
}
TimePoint Caller::speaking_since() const {
  const std::lock_guard lock(lock_);
  return speaking_since_;
}
bool Caller::ended() const {
  const std::lock_guard lock(lock_);
  return ended_;
}
client::SessionEnd Caller::end() const {
  const std::lock_guard lock(lock_);
  return end_;
}
std::vector<std::string> Caller::disk_states() const {
  const std::lock_guard lock(lock_);
  return disk_states_;
}
std::vector<std::string> Caller::refused() const {
  const std::lock_guard lock(lock_);
  return refused_;
}
std::vector<protocol::Playback> Caller::sounds() const {
  const std::lock_guard lock(lock_);
  return sounds_;
}
std::vector<protocol::StreamChanged> Caller::streams() const {
  const std::lock_guard lock(lock_);
  return streams_;
}
void Caller::on_playback(const protocol::Playback& sound) {
  const std::lock_guard lock(lock_);
  sounds_.push_back(sound);
}
std::vector<client::PathQuality> Caller::qualities() const {
  const std::lock_guard lock(lock_);
  return qualities_;
}
std::vector<protocol::QualityAlarm> Caller::alarms() const {
  const std::lock_guard lock(lock_);
  return alarms_;
}
void Caller::on_quality(const client::PathQuality& quality) {
  const std::lock_guard lock(lock_);
  qualities_.push_back(quality);
}
void Caller::on_quality_alarm(const protocol::QualityAlarm& alarm) {
  const std::lock_guard lock(lock_);
  alarms_.push_back(alarm);
}
void Caller::on_stream(const protocol::StreamChanged& stream) {
  const std::lock_guard lock(lock_);
  streams_.push_back(stream);
}
bool Caller::talking(const std::string& name) const {
  for (const auto& entry : session_->roster())
    if (entry.name == name) return entry.talking;
  return false;
}

void Caller::on_end(const client::SessionEnd& end) {
  const std::lock_guard lock(lock_);
  ended_ = true;
  end_ = end;
}
void Caller::on_recording_trouble(std::string_view state, std::string_view /*cause*/) {
  const std::lock_guard lock(lock_);
  disk_states_.emplace_back(state);
}
void Caller::on_refused(std::string_view code, std::string_view /*message*/) {
  const std::lock_guard lock(lock_);
  refused_.emplace_back(code);
}

client::SessionConfig caller_config(const Server& server, const std::string& room, const std::string& name) {
  client::SessionConfig config;
  config.server = server.url();
  config.room = room;
  config.name = name;
  return config;
}

std::unique_ptr<client::AudioSource> tone(double hz, double amplitude) {
  client::ToneSource::Settings settings;
  settings.hz = hz;
  settings.amplitude = amplitude;
  return std::make_unique<client::ToneSource>(settings);
}

}  // namespace parley::scenario
