// What the calls need from the rest of the server: tokens for the rooms they lead into, and the webhook that
// hears of those that were missed.
//
// Threads: ctl; calls of the webhook run on threads of their own.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "mcu/app/webhook.hpp"
#include "mcu/room/calls.hpp"
#include "mcu/settings/settings.hpp"
#include "pipelines/streams/helpers.hpp"

namespace parley::app {

class CallControl final : public room::CallPort {
 public:
  // Long enough for the longest call, and for coming back into it.
  static constexpr Duration kTokenLife = 24h;
  static constexpr std::size_t kMaxOwed = 1'000, kAtOnce = 4;
  static constexpr int kTries = 5;  // within half a minute: later a missed call is no news

  using PostToCtl = std::function<void(std::function<void()>)>;
  // Settings whose webhook RecordingControl has checked.
  CallControl(const settings::Settings& settings, PostToCtl post);
  ~CallControl() override;
  CallControl(const CallControl&) = delete;
  CallControl& operator=(const CallControl&) = delete;

  void reload(const settings::Settings& settings);
  static room::CallSettings call_settings(const settings::Settings& settings);
  // A few times a second.
  void on_timer(TimePoint at);

  std::string invite(const std::string& room, const std::string& name) override;
  void missed(const std::string& to, const std::string& from, const std::string& outcome) override;

 private:
  struct Owed {
    std::string delivery, body;
    int attempts = 0;
    TimePoint not_before{};
  };
  void launch(Owed owed);

  std::string token_key_;
  std::shared_ptr<const Webhook> webhook_;
  PostToCtl post_;
  std::deque<Owed> owed_;
  std::size_t running_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  streams::Helpers helpers_{"deliver"};
};

}  // namespace parley::app
