// What is owed to the outside for each recording that has ended: the webhook `recording.finished` and the
// operator's command (recording.hook). What is owed stands in recording.json and in the index, so that it
// survives a restart; who fails is tried again, later and later.
//
// Threads: ctl; calls and commands run on threads of their own, the catalogue on `disk`.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "mcu/app/webhook.hpp"
#include "mcu/recording/catalogue.hpp"
#include "mcu/recording/command.hpp"
#include "mcu/settings/settings.hpp"
#include "pipelines/streams/helpers.hpp"

namespace parley::app {

struct DeliveryStats {
  std::size_t waiting = 0;  // things that failed and are tried again
  std::uint64_t delivered = 0, failures = 0;
};

class RecordingDelivery {
 public:
  static constexpr std::size_t kAtOnce = 8;
  static constexpr Duration kHold = recording::Measurer::kPatience + 1min;
  static constexpr int kWebhookTries = 16;  // about 5 hours; the hook is tried for ever

  using PostToCtl = std::function<void(std::function<void()>)>;
  // Runs on `disk` with the catalogue; null: recording.directory cannot be used at present. False:
  // overloaded.
  using OnDisk = std::function<bool(std::function<void(recording::Catalogue*)>)>;

  // The error names the key.
  static Status check(const settings::Settings& settings);
  RecordingDelivery(const settings::Settings& settings, PostToCtl post, OnDisk on_disk);
  ~RecordingDelivery();  // ends commands that run: they are run again by the next start
  RecordingDelivery(const RecordingDelivery&) = delete;
  RecordingDelivery& operator=(const RecordingDelivery&) = delete;

  // What check() passed.
  void reload(const settings::Settings& settings);
  // A few times a second.
  void on_timer(TimePoint at);
  // Its files will still change: nothing is delivered before release(), or for longer than kHold.
  void hold(const std::string& recording) { held_[recording] = now() + kHold; }
  void release(const std::string& recording);
  // Something is owed for a recording that has just ended.
  void look_soon() { next_look_ = {}; }
  DeliveryStats stats() const;
  // Its hook is running now.
  bool handing_over(const std::string& recording) const { return running_.contains({recording, "hook"}); }

 private:
  using Debt = std::pair<std::string, std::string>;  // the recording, "webhook" or "hook"
  struct Task {
    Debt debt;
    int attempts = 0;
    std::string folder;  // below the root
    std::string state, room, body;
    std::int64_t duration_ms = 0;
  };
  struct Rest {  // what is not looked at now
    std::set<Debt> debts;
    std::set<std::string> recordings;
  };
  struct Outcome {
    bool done = false;
    std::string cause;
  };

  std::vector<Task> due(recording::Catalogue& all, const Rest& rest) const;
  void launch(Task task);
  void ended(TimePoint at, const Task& task, const Outcome& result);
  recording::Command command_for(const Task& task) const;

  settings::Settings::Recording recording_;
  std::shared_ptr<const Webhook> webhook_;
  PostToCtl post_;
  OnDisk on_disk_;
  bool looking_ = false;
  TimePoint next_look_{};
  std::set<Debt> running_;
  std::map<std::string, TimePoint> held_;
  std::map<Debt, TimePoint> waiting_;  // failed: not before then
  std::uint64_t delivered_ = 0, failures_ = 0;
  std::shared_ptr<std::atomic<bool>> alive_ = std::make_shared<std::atomic<bool>>(true);
  std::shared_ptr<std::atomic<bool>> cancel_ = std::make_shared<std::atomic<bool>>(false);
  std::optional<streams::Helpers> helpers_{std::in_place, "deliver"};
};

// How long to wait after so many failures: 1 s, doubling to an hour.
Duration delivery_delay(int attempts);

}  // namespace parley::app
