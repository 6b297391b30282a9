// Whole calls inside one test process: a real server on free ports of loopback, real clients over real
// sockets, and what each of them heard.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "client/audio_sink.hpp"
#include "client/audio_source.hpp"
#include "client/net_thread.hpp"
#include "client/pacer.hpp"
#include "client/session.hpp"
#include "mcu/app/app.hpp"
#include "mcu/settings/settings.hpp"

namespace parley::scenario {

// Settings with both ports free and on loopback.
settings::Settings loopback_settings();

// Waits for `reason` to return an empty string; what it returned last is what was still missing.
std::string wait_until(const std::function<std::string()>& reason, Duration limit);

// A folder below /tmp, gone with the test.
class Folder {
 public:
  Folder();
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

class Server {
 public:
  explicit Server(const settings::Settings& settings = loopback_settings());
  ~Server();
  client::ServerUrl url() const;
  Address media() const { return app_->media(); }
  void stop();  // as SIGTERM does

  struct Answer {
    int status = 0;
    std::string body;
    std::string location;
  };
  // A request over a connection of its own. `key`: bearer.
  Answer http(const std::string& method, const std::string& target, const std::string& body = {},
              const std::string& type = "application/json", const std::string& key = {}) const;

 private:
  std::unique_ptr<app::App> app_;
  std::thread thread_;
};

// The clients of a test: one network thread and one pacer for all.
class Clients {
 public:
  explicit Clients(std::size_t phases = 8) : pacer("pacer", 20ms, phases) {}
  client::NetThread net;
  client::Pacer pacer;
};

// A participant that speaks and listens.
class Caller final : public client::SessionEvents {
 public:
  Caller(Clients& clients, client::SessionConfig config, std::unique_ptr<client::AudioSource> source);
  ~Caller() override;

  // Until media flows; empty or what is missing.
  std::string wait_live(Duration limit = 10s);
  void leave();
  client::Session& session() const { return *session_; }

  // What was heard since it was live, and when its first sample was due.
  std::vector<float> heard() const;
  TimePoint listening_since() const;
  TimePoint speaking_since() const;
  bool ended() const;
  client::SessionEnd end() const;
  bool talking(const std::string& name) const;
  std::vector<std::string> refused() const;
  std::vector<std::string> disk_states() const;    // of its recording, as it was told
  std::vector<protocol::Playback> sounds() const;  // what was told of them, in order
  std::vector<protocol::StreamChanged> streams() const;
  std::vector<client::PathQuality> qualities() const;
  std::vector<protocol::QualityAlarm> alarms() const;

  void on_playback(const protocol::Playback& sound) override;
  void on_stream(const protocol::StreamChanged& stream) override;
  void on_quality(const client::PathQuality& quality) override;
  void on_quality_alarm(const protocol::QualityAlarm& alarm) override;
  void on_end(const client::SessionEnd& end) override;
  void on_refused(std::string_view code, std::string_view message) override;
  void on_recording_trouble(std::string_view state, std::string_view cause) override;

 private:
  void step(TimePoint at);

  Clients& clients_;
  std::unique_ptr<client::AudioSource> source_;
  std::unique_ptr<client::Session> session_;
  std::uint64_t step_ = 0;

  mutable std::mutex lock_;
  std::vector<float> heard_;
  TimePoint listening_since_{};
  TimePoint speaking_since_{};
  bool live_ = false;
  bool ended_ = false;
  client::SessionEnd end_;
  std::vector<std::string> refused_, disk_states_;
  std::vector<protocol::Playback> sounds_;
  std::vector<protocol::StreamChanged> streams_;
  std::vector<client::PathQuality> qualities_;
  std::vector<protocol::QualityAlarm> alarms_;
};

client::SessionConfig caller_config(const Server& server, const std::string& room, const std::string& name);
std::unique_ptr<client::AudioSource> tone(double hz, double amplitude = 0.05);

}  // namespace parley::scenario
