#include "mcu/app/recording_delivery.hpp"

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <filesystem>

#include "transport/base/log.hpp"

namespace parley::app {
namespace {

namespace json = boost::json;

constexpr Duration kLook = 2s;
constexpr Duration kForgotten = 1h;       // it was due, and nobody asked: the recording was deleted
constexpr std::size_t kMostOwed = 1'000;  // that are looked at in one go
constexpr std::size_t kCause = 300;

std::string replace_all(std::string text, std::string_view from, const std::string& to) {
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
  return text;
}

// recording.json without what is private to the delivery.
std::string body_of(const recording::Manifest& manifest) {
  auto about = recording::to_json(manifest);
  for (const char* name : {"talks", "mutes", "deliveries", "version"}) about.erase(name);
  const auto without_levels = [](json::value& file) {
    for (const char* name : {"levels", "levels_step_ms"}) file.as_object().erase(name);
  };
  if (auto* mixdown = about.if_contains("mixdown")) without_levels(*mixdown);
  for (auto& track : about["tracks"].as_array()) without_levels(track);
  about["path"] = "/api/v1/recordings/" + manifest.id;
  return json::serialize(json::object{{"event", "recording.finished"}, {"recording", std::move(about)}});
}

std::int64_t seconds_since_1970() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

// The last line of a program's output is what it died of, mostly.
std::string last_line(const std::string& output) {
  const auto end = output.find_last_not_of("\r\n ");
  if (end == std::string::npos) return {};
  const auto begin = output.find_last_of('\n', end);
  return log::printable(output.substr(begin == std::string::npos ? 0 : begin + 1, kCause)
                            .substr(0, end - (begin == std::string::npos ? 0 : begin + 1) + 1));
}

}  // namespace

Duration delivery_delay(int attempts) {
  return std::min<Duration>(1s * (1LL << std::clamp(attempts - 1, 0, 12)), 1h);
}

Status RecordingDelivery::check(const settings::Settings& settings) {
  const auto& s = settings.webhooks;
  auto webhook = Webhook::make(s.url, s.key, s.allow);
  return webhook ? Status(Done{}) : Status(webhook.error());
}

RecordingDelivery::RecordingDelivery(const settings::Settings& settings, PostToCtl post, OnDisk on_disk)
    : post_(std::move(post)), on_disk_(std::move(on_disk)) {
  reload(settings);
}

RecordingDelivery::~RecordingDelivery() {
  *alive_ = false;
  *cancel_ = true;
  helpers_.reset();
}

void RecordingDelivery::reload(const settings::Settings& settings) {
  recording_ = settings.recording;
  const auto& s = settings.webhooks;
  if (auto made = Webhook::make(s.url, s.key, s.allow))
    webhook_ = std::make_shared<const Webhook>(std::move(made).value());
}

DeliveryStats RecordingDelivery::stats() const {
  return {waiting_.size(), delivered_, failures_};
}

void RecordingDelivery::on_timer(TimePoint at) {
  if (looking_ || at < next_look_ || running_.size() >= kAtOnce) return;
  next_look_ = at + kLook;
  std::erase_if(waiting_, [&](const auto& entry) { return at - entry.second > kForgotten; });
  Rest rest;
  rest.debts = running_;
  for (const auto& [debt, until] : waiting_)
    if (until > at) rest.debts.insert(debt);
  // Of a recording that rests as a whole not even the folder is looked at.
  for (const auto& [id, kind] : rest.debts) rest.recordings.insert(id);
  for (const auto& [debt, until] : waiting_)
    if (until <= at) rest.recordings.erase(debt.first);
  std::erase_if(held_, [&](const auto& entry) { return entry.second <= at; });
  for (const auto& [id, until] : held_) rest.recordings.insert(id);
  looking_ = on_disk_([this, rest = std::move(rest)](recording::Catalogue* all) {
    auto tasks = all != nullptr ? due(*all, rest) : std::vector<Task>();
    post_([this, alive = alive_, tasks = std::move(tasks)]() mutable {
      if (!*alive) return;
      looking_ = false;
      for (auto& task : tasks) launch(std::move(task));
    });
  });
}

// On disk.
std::vector<RecordingDelivery::Task> RecordingDelivery::due(recording::Catalogue& all,
                                                            const Rest& rest) const {
  std::vector<Task> out;
  for (const auto& row : all.owed(kMostOwed)) {
    if (out.size() >= kAtOnce) break;
    if (rest.recordings.contains(row.id)) continue;
    const auto manifest = all.manifest(row);
    if (!manifest) continue;
    for (const auto& delivery : manifest->deliveries) {
      if (delivery.state != "pending" || rest.debts.contains({row.id, delivery.kind})) continue;
      out.push_back({{row.id, delivery.kind},
                     static_cast<int>(delivery.attempts),
                     all.root() + "/" + row.folder,
                     manifest->state,
                     manifest->room,
                     body_of(*manifest),
                     manifest->duration_ms});
    }
  }
  return out;
}

recording::Command RecordingDelivery::command_for(const Task& task) const {
  recording::Command out;
  std::error_code error;
  const auto folder = std::filesystem::absolute(task.folder, error).string();
  for (const auto& argument : recording_.hook)
    out.arguments.push_back(
        replace_all(replace_all(replace_all(argument, "{id}", task.debt.first), "{state}", task.state),
                    "{folder}", folder));
  out.environment = {{"PARLEY_RECORDING_ID", task.debt.first},
                     {"PARLEY_RECORDING_FOLDER", folder},
                     {"PARLEY_RECORDING_ROOM", task.room},
                     {"PARLEY_RECORDING_STATE", task.state},
                     {"PARLEY_RECORDING_DURATION_MS", std::to_string(task.duration_ms)}};
  out.limit = recording_.hook_timeout;
  return out;
}

void RecordingDelivery::release(const std::string& recording) {
  held_.erase(recording);
  look_soon();
}

void RecordingDelivery::launch(Task task) {
  if (running_.contains(task.debt) || held_.contains(task.debt.first)) return;
  if (running_.size() >= kAtOnce) {
    waiting_[task.debt] = now();
    return;
  }
  running_.insert(task.debt);
  const bool hook = task.debt.second == "hook";
  // What was asked for then and is not configured any more stays owed.
  if (hook ? recording_.hook.empty() : !webhook_->wanted()) {
    running_.erase(task.debt);
    waiting_[task.debt] = now() + 1h;
    return;
  }
  auto command = hook ? command_for(task) : recording::Command{};
  const bool begun = helpers_->run([this, alive = alive_, cancel = cancel_, post = post_, webhook = webhook_,
                                    task, hook, command = std::move(command)] {
    Outcome result;
    if (hook) {
      const auto end = recording::run_command(command, *cancel);
      const auto said = last_line(end.output);
      result = {end.done, end.cause + (said.empty() ? "" : ": " + said)};
      if (!said.empty()) log::info("recording {}: recording.hook said: {}", task.debt.first, said);
    } else {
      const auto posted =
          webhook->post("recording.finished", task.debt.first, task.body, seconds_since_1970());
      result = {posted.ok(), posted ? "" : posted.error().what};
    }
    if (!*alive || *cancel) return;
    post([this, alive, task, result] {
      if (*alive) ended(now(), task, result);
    });
  });
  if (!begun) running_.erase(task.debt);
}

void RecordingDelivery::ended(TimePoint at, const Task& task, const Outcome& result) {
  const auto& [id, kind] = task.debt;
  const int attempts = task.attempts + 1;
  running_.erase(task.debt);
  const bool given_up = !result.done && kind == "webhook" && attempts >= kWebhookTries;
  recording::Delivery delivery;
  delivery.kind = kind;
  delivery.state = result.done ? "done" : given_up ? "failed" : "pending";
  delivery.attempts = attempts;
  delivery.cause = result.done ? std::string() : log::printable(result.cause).substr(0, kCause);
  if (result.done) {
    ++delivered_;
    waiting_.erase(task.debt);
    log::info("recording {}: {} delivered", id, kind);
  } else {
    ++failures_;
    const auto wait = delivery_delay(attempts);
    waiting_[task.debt] = at + wait;
    if (given_up) waiting_.erase(task.debt);
    log::warn("recording {}: {} failed ({}), {}", id, kind, delivery.cause,
              given_up ? "it is given up" : "it is tried again in " + std::to_string(wait / 1s) + " s");
  }
  const bool remove = result.done && kind == "hook" && recording_.hook_removes;
  const bool posted = on_disk_([id = id, delivery, remove](recording::Catalogue* all) {
    if (all == nullptr) return;
    all->settle(id, delivery);
    if (remove && all->remove(id)) log::info("recording {}: deleted here, recording.hook has it", id);
  });
  // What could not be noted happens once more: better twice than never.
  if (!posted) waiting_[task.debt] = at + delivery_delay(attempts);
  look_soon();
}

}  // namespace parley::app
