// `parley doctor`: one line per check, with advice where something is wrong.
#include <opus/opus.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <optional>
#include <vector>

#include "client/commands.hpp"
#include "client/http_client.hpp"
#include "client/nat_kind.hpp"
#include "client/net_thread.hpp"
#include "client/pacer.hpp"
#include "client/session.hpp"
#include "client/stun_probe.hpp"
#include "client/text.hpp"
#include "pipelines/device/inventory.hpp"
#include "transport/base/ids.hpp"

namespace parley::client {

namespace {

enum class Grade : std::uint8_t { ok, warn, fail };

const char* to_string(Grade grade) {
  return grade == Grade::ok ? "ok" : grade == Grade::warn ? "warn" : "fail";
}

struct Finding {
  std::string check;
  Grade grade = Grade::ok;
  std::string text;
  std::string advice;
};

class Report {
 public:
  explicit Report(bool json) : json_(json) {}
  void add(const Finding& finding) {
    failed_ = failed_ || finding.grade == Grade::fail;
    if (json_) {
      boost::json::object line{{"type", "check"},
                               {"check", finding.check},
                               {"result", to_string(finding.grade)},
                               {"text", finding.text}};
      if (!finding.advice.empty()) line["advice"] = finding.advice;
      std::printf("%s\n", boost::json::serialize(line).c_str());
    } else {
      std::printf("%-5s %-10s %s\n", to_string(finding.grade), finding.check.c_str(),
                  terminal_text(finding.text, 300).c_str());
      if (!finding.advice.empty()) std::printf("%17s-> %s\n", "", finding.advice.c_str());
    }
    std::fflush(stdout);
  }
  bool failed() const { return failed_; }

 private:
  bool json_;
  bool failed_ = false;
};

std::string ms(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f ms", value);
  return text;
}

bool check_http(const DoctorCommand& command, Report& report) {
  const TimePoint asked = now();
  const auto answer = http_call(command.server, {"GET", "/healthz", {}, {}});
  const std::string where = command.server.authority();
  if (!answer) {
    report.add(
        {"server", Grade::fail, answer.error().what,
         "Is parley-mcu running there (scripts/run)? Give its address with --server http://HOST:PORT"});
    return false;
  }
  if (answer->status != 200) {
    report.add({"server", Grade::fail,
                where + " answers /healthz with HTTP " + std::to_string(answer->status),
                "Is this a Parley server, and not another program on that port?"});
    return false;
  }
  report.add({"server", Grade::ok, where + " answers in " + ms(to_ms(now() - asked)), {}});
  return true;
}

// A call into a room that nobody else is in, long enough for the reports to come.
class TrialCall final : private SessionEvents {
 public:
  struct Result {
    bool opened = false, joined = false, live = false;
    SessionStats stats;
    std::optional<Address> media;
    SessionEnd end;
  };

  explicit TrialCall(const DoctorCommand& command) {
    config_.server = command.server;
    config_.room = "doctor-" + random_token(12);
    config_.name = "doctor";
    config_.token = command.token;
    config_.dtx = false;  // silence, but packets
  }

  const std::string& room() const { return config_.room; }

  Result run() {
    NetThread net;
    Session session(net, config_, *this);
    Pacer pacer("doctor-audio");
    session.start();
    const auto step = pacer.add([&session](TimePoint at) {
      std::array<float, 960> pcm{};
      session.push_audio(at, pcm);
      session.pull_audio(at, pcm);
    });
    if (wait([this] { return result_.live || ended_; }, 20s) && !ended())
      wait([this] { return ended_; }, 2500ms);
    {
      const auto stats = session.stats();
      const auto media = session.media_address();
      const std::lock_guard lock(mutex_);
      result_.stats = stats;
      result_.media = media;
    }
    session.leave();
    wait([this] { return ended_; }, 2s);
    pacer.remove(step);
    const std::lock_guard lock(mutex_);
    return result_;
  }

 private:
  template <typename Condition>
  bool wait(Condition condition, Duration timeout) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, timeout, condition);
  }
  bool ended() {
    const std::lock_guard lock(mutex_);
    return ended_;
  }
  template <typename Change>
  void note(Change change) {
    {
      const std::lock_guard lock(mutex_);
      change();
    }
    changed_.notify_all();
  }
  void on_state(SessionState state) override {
    note([&] {
      result_.opened = result_.opened || state == SessionState::joining;
      result_.live = result_.live || state == SessionState::live;
    });
  }
  void on_joined(const protocol::Joined&) override {
    note([&] { result_.joined = true; });
  }
  void on_end(const SessionEnd& end) override {
    note([&] {
      result_.end = end;
      ended_ = true;
    });
  }

  SessionConfig config_;
  std::mutex mutex_;
  std::condition_variable changed_;
  Result result_;       // guarded by mutex_
  bool ended_ = false;  // guarded by mutex_
};

TrialCall::Result check_call(const DoctorCommand& command, Report& report) {
  TrialCall trial(command);
  auto call = trial.run();
  // Where the interface is closed to us, the empty room goes away by itself.
  static_cast<void>(
      http_call(command.server, {"DELETE", "/api/v1/rooms/" + trial.room(), command.key, {}}).ok());
  if (!call.opened) {
    report.add({"websocket", Grade::fail, call.end.message,
                "A proxy between here and the server may not pass WebSockets (Upgrade header) on /ws"});
    return call;
  }
  report.add({"websocket", Grade::ok, "/ws is open", {}});
  if (!call.joined) {
    const bool refused = call.end.kind == EndKind::refused;
    report.add(
        {"join", refused ? Grade::warn : Grade::fail, "no temporary room: " + call.end.message,
         refused ? "The server asks for more, a token say (--token): the media path was not checked" : ""});
    return call;
  }
  if (!call.live) {
    report.add({"media", Grade::fail, call.end.message,
                "UDP to the server's media port (media.listen, default 5004) must pass firewalls, and "
                "media.advertise must hold an address that you can reach"});
    return call;
  }
  const auto& stats = call.stats;
  std::string text = "DTLS-SRTP is up " + ms(stats.connect_ms) + " after the start";
  if (stats.round_trip_ms >= 0) text += ", round trip " + ms(stats.round_trip_ms);
  text += ", " + std::to_string(stats.packets_sent) + " packets sent, " + std::to_string(stats.lost_out) +
          " lost";
  const bool lossy = stats.loss_out > 0.05;
  report.add({"media", lossy ? Grade::warn : Grade::ok, text,
              lossy ? "More than 5 % of the packets are lost: a cable is better than Wi-Fi" : ""});
  return call;
}

void check_stun(const std::optional<Address>& media, Report& report) {
  if (!media) return report.add({"stun", Grade::warn, "not checked: the media address is not known", {}});
  const auto answer = probe_stun(*media);
  if (!answer)
    return report.add(
        {"stun", Grade::fail, answer.error().what, "A firewall may block UDP, here or at the server"});
  const bool nat = answer->mapped != answer->local;
  report.add({"stun",
              Grade::ok,
              media->to_string() + " answers in " + ms(to_ms(answer->round_trip)) + " (" +
                  std::to_string(answer->answered) + " of " + std::to_string(answer->asked) + "), " +
                  (nat ? "NAT: " + answer->local.to_string() + " is seen as " + answer->mapped.to_string()
                       : "no NAT: " + answer->mapped.to_string()),
              {}});
}

void check_nat(const std::optional<Address>& media, Report& report) {
  if (!media) return;
  const auto facts = find_nat(*media);
  if (!facts) return report.add({"nat", Grade::warn, "not checked: " + facts.error().what, {}});
  const auto words = describe(*facts);
  report.add({"nat", Grade::ok, words.kind, words.prospect});
}

void check_sound(Report& report) {
  int inputs = 0, outputs = 0;
  std::string names;
  for (const auto& device : device::sound_devices()) {
    ++(device.input ? inputs : outputs);
    names += (names.empty() ? "" : ", ") + device.name + (device.input ? " (in)" : " (out)");
  }
  const auto advice = [](bool missing, const char* what) {
    return missing ? std::string(what) : std::string{};
  };
  report.add(
      {"microphone", inputs > 0 ? Grade::ok : Grade::warn,
       inputs > 0 ? std::to_string(inputs) + " found: " + names : "no sound input found",
       advice(inputs == 0, "Calls work with --input FILE.wav, tone:440 or silence, or --listen-only")});
  report.add({"speaker", outputs > 0 ? Grade::ok : Grade::warn,
              outputs > 0 ? std::to_string(outputs) + " found" : "no sound output found",
              advice(outputs == 0, "Calls work with --output FILE.wav or null")});
}

void check_software(Report& report) {
  const auto missing = device::missing_elements({"appsrc", "appsink", "audioconvert", "audioresample",
                                                 "decodebin", "wavparse", "autoaudiosrc", "autoaudiosink"});
  std::string list;
  for (const auto& name : missing) list += " " + name;
  report.add(
      {"gstreamer", missing.empty() ? Grade::ok : Grade::fail,
       device::gstreamer_version() + (missing.empty() ? ", all elements are there" : ", missing:" + list),
       missing.empty() ? "" : "apt-get install gstreamer1.0-plugins-base gstreamer1.0-plugins-good"});
  report.add({"opus", Grade::ok, opus_get_version_string(), {}});
}

}  // namespace

int run_doctor(const DoctorCommand& command) {
  const auto wanted = [&command](Check check) {
    return std::find(command.checks.begin(), command.checks.end(), check) != command.checks.end();
  };
  Report report(command.json);
  // A call to a server that does not answer would only say the same again.
  const bool reachable = (wanted(Check::server) || wanted(Check::call)) && check_http(command, report);
  if (reachable && wanted(Check::call)) {
    const auto media = check_call(command, report).media;
    check_stun(media, report);
    check_nat(media, report);
  }
  if (wanted(Check::sound)) check_sound(report);
  if (wanted(Check::software)) check_software(report);
  return report.failed() ? kFailed : kOk;
}

}  // namespace parley::client
