#include "mcu/app/app.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <csignal>

#include "client/web/assets.hpp"
#include "mcu/app/call_control.hpp"
#include "mcu/app/media_plane.hpp"
#include "mcu/app/metrics_feed.hpp"
#include "mcu/app/play_control.hpp"
#include "mcu/app/quality_control.hpp"
#include "mcu/app/recording_control.hpp"
#include "mcu/app/seat_control.hpp"
#include "mcu/app/stream_control.hpp"
#include "mcu/room/room_service.hpp"
#include "mcu/signaling/server.hpp"
#include "transport/base/log.hpp"
#include "transport/base/thread_name.hpp"

namespace parley::app {
namespace {

namespace asio = boost::asio;

constexpr Duration kTimer = QualityControl::kStep;
constexpr Duration kFarewell = 500ms;  // for the last messages to leave

room::RoomSettings room_settings(const settings::Settings& s) {
  room::RoomSettings out;
  out.idle_timeout = s.rooms.idle_timeout;
  out.max_rooms = s.limits.rooms;
  out.max_participants = s.limits.participants;
  out.max_participants_per_room = s.rooms.max_participants;
  out.max_talkers = s.mix.max_talkers;
  out.joins_per_second = s.limits.joins_per_second;
  out.joins_per_second_per_address = s.limits.joins_per_second_per_address;
  out.token_required = !s.auth.token_key.empty();
  out.direct_probing = s.rooms.direct_probing;
  switch (s.rooms.direct) {
    case settings::Direct::automatic:
      out.direct = room::DirectPolicy::automatic;
      break;
    case settings::Direct::never:
      out.direct = room::DirectPolicy::never;
      break;
    case settings::Direct::always:
      out.direct = room::DirectPolicy::always;
      break;
  }
  // Nobody but this host can reach a server that listens on loopback and asks for no keys.
  const bool private_server =
      s.http.listen.ip.is_loopback() && s.auth.admin_key.empty() && !out.token_required;
  out.default_role = private_server ? room::Role::moderator : room::Role::participant;
  return out;
}

signaling::SignalingSettings signaling_settings(const settings::Settings& s) {
  signaling::SignalingSettings out;
  out.listen = s.http.listen;
  out.allowed_origins = s.http.allowed_origins;
  out.tls_certificate = s.http.tls.certificate;
  out.tls_key = s.http.tls.key;
  out.admin_key = s.auth.admin_key;
  out.token_key = s.auth.token_key;
  out.carries_media = s.media.over_websocket;
  out.max_connections = s.limits.connections;
  out.max_body_bytes = s.limits.body_bytes;
  return out;
}

room::LegGone leg_gone(LegEnd end) {
  switch (end) {
    case LegEnd::timeout:
      return room::LegGone::timeout;
    case LegEnd::bye:
      return room::LegGone::bye;
    case LegEnd::dtls_closed:
    case LegEnd::removed:
      return room::LegGone::closed;
    case LegEnd::dtls_failed:
    case LegEnd::wrong_certificate:
      break;
  }
  return room::LegGone::failed;
}

room::TrafficReport traffic_report(const LegTraffic& t) {
  room::TrafficReport out;
  out.packets_in = t.packets_in;
  out.bytes_in = t.bytes_in;
  out.bytes_out = t.bytes_out;
  out.packets_out = t.packets_out;
  out.lost_in = t.lost_in;
  out.lost_out = t.lost_out;
  out.fraction_lost_in = t.fraction_lost_in;
  out.fraction_lost_out = t.fraction_lost_out;
  out.jitter_in_ms = t.jitter_in_ms;
  out.jitter_out_ms = t.jitter_out_ms;
  out.round_trip_ms = t.round_trip_ms;
  out.encode_wait_p50_ms = static_cast<double>(t.encode_wait_p50_ms);
  out.encode_wait_p95_ms = static_cast<double>(t.encode_wait_p95_ms);
  out.send_wait_p50_ms = static_cast<double>(t.send_wait_p50_ms);
  out.send_wait_p95_ms = static_cast<double>(t.send_wait_p95_ms);
  return out;
}

signaling::LegQuality leg_quality(LegId leg, const pipelines::LegStats& stats) {
  signaling::LegQuality out;
  out.leg = leg;
  out.jitter_wait_p50_ms = stats.jitter_wait.quantile_ms(0.5);
  out.jitter_wait_p95_ms = stats.jitter_wait.quantile_ms(0.95);
  out.tick_wait_p50_ms = stats.tick_wait.quantile_ms(0.5);
  out.tick_wait_p95_ms = stats.tick_wait.quantile_ms(0.95);
  out.target_ms = to_ms(stats.receiver.target);
  out.delay_ms = to_ms(stats.receiver.delay);
  out.drift_ppm = stats.receiver.drift_ppm;
  out.received = stats.receiver.received;
  out.late = stats.receiver.late;
  out.lost = stats.receiver.lost;
  out.fec = stats.receiver.fec;
  out.concealed_samples = stats.receiver.concealed_samples;
  out.stretched_samples = stats.receiver.stretched_samples;
  out.loudness_lufs = stats.loudness_lufs;
  out.auto_gain_db = stats.auto_gain_db;
  return out;
}

spdlog::level::level_enum log_level(settings::LogLevel level) {
  switch (level) {
    case settings::LogLevel::debug:
      return spdlog::level::debug;
    case settings::LogLevel::warn:
      return spdlog::level::warn;
    case settings::LogLevel::error:
      return spdlog::level::err;
    case settings::LogLevel::info:
      break;
  }
  return spdlog::level::info;
}

}  // namespace

class App::Impl {
 public:
  Impl(const settings::Settings& settings, std::string config_path)
      : settings_(settings), config_path_(std::move(config_path)), timer_(io_), signals_(io_) {}
  ~Impl() {
    // The media threads post to io_: they end before anything they may name goes.
    if (play_) play_->stop();  // its voices speak to the mix threads
    media_.reset();
    io_.stop();
    server_.reset();
    streams_.reset();
    recording_.reset();
  }

  Status open();
  void handle_signals();
  void run();
  void request_stop() {
    asio::post(io_, [this] { stop(); });
  }
  Address http() const { return server_->local(); }
  Address media() const { return media_->local(); }

 private:
  void on_media_event(const MediaEvent& event);
  void on_timer();
  void await_signal();
  void reload();
  void stop();

  settings::Settings settings_;
  const std::string config_path_;
  asio::io_context io_;
  asio::steady_timer timer_;
  asio::signal_set signals_;
  signaling::EventHub hub_;
  std::unique_ptr<RecordingControl> recording_;
  std::unique_ptr<MediaPlane> media_;
  std::unique_ptr<room::RoomService> rooms_;
  std::unique_ptr<SeatControl> seats_;
  std::unique_ptr<CallControl> call_control_;
  std::unique_ptr<room::CallService> calls_;
  std::unique_ptr<MediaHolds> holds_;
  std::unique_ptr<StreamControl> streams_;
  std::unique_ptr<PlayControl> play_;
  std::unique_ptr<QualityControl> quality_;
  std::unique_ptr<signaling::Server> server_;
  MetricsFeed metrics_;
  bool stopping_ = false;
};

Status App::Impl::open() {
  if (const auto usable = RecordingControl::check(settings_); !usable) return usable;
  spdlog::set_level(log_level(settings_.log.level));
  const auto post = [this](std::function<void()> job) { asio::post(io_, std::move(job)); };
  recording_ = std::make_unique<RecordingControl>(settings_, post);
  auto media = MediaPlane::open(settings_, recording_->recorder(), post,
                                [this](const MediaEvent& event) { on_media_event(event); });
  if (!media) return Error{"media.listen: " + media.error().what};
  media_ = std::move(media).value();
  rooms_ = std::make_unique<room::RoomService>(room_settings(settings_), *media_, hub_);
  recording_->bind(*rooms_, *media_);
  quality_ = std::make_unique<QualityControl>(settings_, recording_->recorder(), post, *rooms_, *media_);

  seats_ = std::make_unique<SeatControl>(settings_, post, [this](std::function<void()> job) {
    return recording_->recorder().post(std::move(job));
  });
  seats_->bring_back(now(), *rooms_);
  rooms_->set_seats(*seats_);
  call_control_ = std::make_unique<CallControl>(settings_, post);
  calls_ = std::make_unique<room::CallService>(CallControl::call_settings(settings_), *rooms_, *call_control_,
                                               hub_, now());
  holds_ = std::make_unique<MediaHolds>(*rooms_);
  auto streams = StreamControl::open(
      settings_, [this](std::function<void()> job) { asio::post(io_, std::move(job)); }, *rooms_, *media_,
      *holds_);
  if (!streams) return streams.error();
  streams_ = std::move(streams).value();
  play_ = std::make_unique<PlayControl>(
      settings_, [this](std::function<void()> job) { asio::post(io_, std::move(job)); }, *rooms_, *media_,
      *holds_);
  recording_->on_notice(
      [this](const std::string& room, const std::string& file) { play_->notice(room, file); });
  media_->on_room_closed([this](RoomId room) {
    streams_->room_closed(room);
    play_->room_closed(room);
    holds_->closed(room);
  });

  media_->on_packet([this](LegId leg, TimePoint made, Bytes packet) { hub_.deliver(leg, made, packet); });
  media_->on_leg_removed([this](LegId leg, RoomId room) {
    hub_.stop_carrying(leg);
    asio::post(io_, [this, leg, room] { play_->left(leg, room); });  // it may ask the rooms
  });

  signaling::Ports ports;
  for (const auto& asset : web::assets()) ports.files.push_back({asset.name, asset.body});
  ports.streams = streams_.get();
  ports.playback = play_.get();
  ports.recordings = recording_.get();
  ports.calls = calls_.get();
  ports.packet = [this](LegId leg, TimePoint arrival, Bytes packet) {
    media_->take_packet(leg, arrival, packet);
  };
  ports.metrics = [this] {
    return metrics_.text(*media_, *recording_, *rooms_, *calls_, *streams_, *quality_, *server_);
  };
  ports.troubles = [this] {
    auto lines = recording_->troubles();
    for (auto& line : quality_->troubles()) lines.push_back(std::move(line));
    return lines;
  };
  ports.ready = [this] { return !stopping_; };
  ports.graph = [this](RoomId room, std::function<void(Result<std::string>)> answer) {
    media_->graph(room, std::move(answer));
  };
  ports.quality_now = [this](const std::string& room) { return quality_->now_of(room); };
  ports.quality_log = [this](const signaling::QualityQuery& query,
                             std::function<void(Result<std::string>)> answer) {
    quality_->list(query, std::move(answer));
  };
  ports.quality = [this](RoomId room, std::function<void(std::vector<signaling::LegQuality>)> answer) {
    media_->quality(room, [answer = std::move(answer)](const std::vector<MediaPlane::LegReport>& reports) {
      std::vector<signaling::LegQuality> out;
      for (const auto& [leg, stats] : reports) out.push_back(leg_quality(leg, stats));
      answer(std::move(out));
    });
  };
  auto server = signaling::Server::open(io_, signaling_settings(settings_), *rooms_, hub_, std::move(ports));
  if (!server) return Error{"http.listen: " + server.error().what};
  server_ = std::move(server).value();
  return streams_->start_configured(settings_);
}

void App::Impl::run() {
  on_timer();
  io_.run();
}

void App::Impl::on_media_event(const MediaEvent& event) {
  const TimePoint at = now();
  switch (event.kind) {
    case MediaEvent::Kind::connected:
      rooms_->leg_connected(event.leg);
      rooms_->leg_address(event.leg, event.remote.to_string());
      if (const RoomId room = media_->room_of(event.leg); room != RoomId::none)
        play_->joined(event.leg, room);
      recording_->connected(event.leg);
      break;
    case MediaEvent::Kind::rebound:
      rooms_->leg_address(event.leg, event.remote.to_string());
      break;
    case MediaEvent::Kind::ended:
      log::debug("leg {} ended: {}", raw(event.leg), to_string(event.end));
      media_->remove_leg(event.leg, to_string(event.end));
      rooms_->leg_gone(at, event.leg, leg_gone(event.end));
      break;
    case MediaEvent::Kind::talking:
      rooms_->talking(event.leg, event.talking, event.level);
      if (const RoomId room = media_->room_of(event.leg); room != RoomId::none)
        play_->talking(event.leg, room, event.talking);
      break;
    case MediaEvent::Kind::gain_advice:
      rooms_->gain_advice(event.leg, event.gain_db);
      break;
    case MediaEvent::Kind::delay_alarm:
      if (const auto who = rooms_->delay_alarm(event.leg, to_ms(event.delay)))
        log::warn("room {}: the audio of {} is delayed by {:.0f} ms (alarm.delay_ms)", who->first,
                  who->second, to_ms(event.delay));
      break;
    case MediaEvent::Kind::traffic:
      media_->set_downlink_loss(event.leg, event.traffic.fraction_lost_out);
      rooms_->traffic(at, event.leg, traffic_report(event.traffic));
      break;
  }
}

void App::Impl::on_timer() {
  if (stopping_) return;
  rooms_->on_timer(now());
  quality_->on_timer(now());
  calls_->on_timer(now());
  call_control_->on_timer(now());
  seats_->on_timer(now());
  recording_->on_timer(now());
  rooms_->refuse_joins(media_->joins_refused());
  timer_.expires_after(kTimer);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) on_timer();
  });
}

void App::Impl::handle_signals() {
  signals_.add(SIGINT);
  signals_.add(SIGTERM);
  signals_.add(SIGHUP);
  await_signal();
}

void App::Impl::await_signal() {
  signals_.async_wait([this](const boost::system::error_code& error, int signal) {
    if (error) return;
    if (signal == SIGHUP) {
      reload();
    } else {
      log::info("stopping ({})", signal == SIGINT ? "SIGINT" : "SIGTERM");
      stop();
    }
    await_signal();
  });
}

void App::Impl::reload() {
  if (config_path_.empty()) return;
  const auto loaded = settings::load(config_path_);
  if (!loaded) {
    log::error("not reloaded: {}", loaded.error().what);
    return;
  }
  const auto changes = settings::compare(settings_, *loaded);
  settings_ = settings::reloaded(settings_, *loaded);
  spdlog::set_level(log_level(settings_.log.level));
  media_->reload(settings_);
  if (const auto usable = RecordingControl::check(settings_); !usable)
    log::error("{}", usable.error().what);
  else
    recording_->reload(settings_);
  rooms_->reload(room_settings(settings_));
  call_control_->reload(settings_);
  calls_->reload(CallControl::call_settings(settings_));
  play_->reload(settings_);
  quality_->reload(settings_);
  if (const auto done = streams_->reload(settings_); !done) log::error("{}", done.error().what);
  if (const auto done = server_->reload(signaling_settings(settings_)); !done)
    log::error("{}", done.error().what);
  log::info("reloaded {}: {} keys changed", config_path_, changes.reloadable.size());
  for (const auto& key : changes.needs_restart) log::warn("{} has changed: it takes a restart", key);
}

void App::Impl::stop() {
  if (stopping_) {  // asked twice: at once
    io_.stop();
    return;
  }
  stopping_ = true;
  timer_.cancel();
  quality_->flush();
  rooms_->close_all(now(), "server-stopping", "The server is stopping.");
  calls_->close_all("server-stopping", "The server is stopping.");
  server_->stop();
  timer_.expires_after(kFarewell);
  timer_.async_wait([this](const boost::system::error_code&) { io_.stop(); });
}

Result<std::unique_ptr<App>> App::open(const settings::Settings& settings, const std::string& config_path) {
  auto impl = std::make_unique<Impl>(settings, config_path);
  if (auto opened = impl->open(); !opened) return opened.error();
  return std::unique_ptr<App>(new App(std::move(impl)));
}

App::App(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
App::~App() = default;
Address App::http() const {
  return impl_->http();
}
Address App::media() const {
  return impl_->media();
}
void App::handle_signals() {
  impl_->handle_signals();
}
void App::run() {
  impl_->run();
}
void App::request_stop() {
  impl_->request_stop();
}

}  // namespace parley::app
