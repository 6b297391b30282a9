// `parley call` and `parley answer`: the line on which it rings, then the stay in the call's room.
#include <poll.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <cstdio>
#include <optional>

#include "client/call_line.hpp"
#include "client/commands.hpp"
#include "client/inbox.hpp"
#include "client/join_run.hpp"
#include "client/net_thread.hpp"
#include "client/report.hpp"
#include "client/text.hpp"
#include "transport/base/ids.hpp"

namespace parley::client {

namespace {

constexpr Duration kLook = 100ms;  // at the keyboard
constexpr Duration kAnswer = 10s;  // for the server's word on a call that was taken
constexpr std::size_t kMaxTyped = 200;

int exit_code_of(std::string_view outcome) {
  if (outcome == "declined") return kDeclined;
  if (outcome == "busy") return kBusy;
  if (outcome == "no-answer") return kNoAnswer;
  if (outcome == "unreachable") return kNotThere;
  return kFailed;
}

std::string in_words(std::string_view outcome) {
  if (outcome == "no-answer") return "no answer";
  if (outcome == "unreachable") return "not reachable";
  if (outcome == "answered-elsewhere") return "answered elsewhere";
  if (outcome == "declined-elsewhere") return "declined elsewhere";
  return terminal_text(outcome, 40);
}

// Lines of standard input, without waiting for them.
class Keyboard {
 public:
  std::optional<std::string> line() {
    pollfd in{STDIN_FILENO, POLLIN, 0};
    while (open_ && typed_.find('\n') == std::string::npos && ::poll(&in, 1, 0) > 0) {
      std::array<char, 64> piece;
      const auto size = ::read(STDIN_FILENO, piece.data(), piece.size());
      open_ = size > 0;
      if (open_ && typed_.size() < kMaxTyped) typed_.append(piece.data(), static_cast<std::size_t>(size));
    }
    const auto end = typed_.find('\n');
    if (end == std::string::npos) return std::nullopt;
    auto line = typed_.substr(0, end);
    typed_.erase(0, end + 1);
    return line;
  }

 private:
  bool open_ = true;
  std::string typed_;
};

// A line, told to the main thread and shown; what `call` and `answer` have in common.
class OnTheLine : protected CallLineEvents {
 protected:
  OnTheLine(const JoinCommand& join, CallLineConfig config)
      : join_(join), config_(std::move(config)), signals_(net_.context(), SIGINT, SIGTERM, SIGHUP) {
    if (config_.name.empty()) config_.name = login_name();
    if (config_.key.empty()) config_.key = random_token(22);
    config_.server = join.session.server;
    config_.reconnect_limit = join.session.reconnect_limit;
    join_.session.name = config_.name;
    wait_for_signal();
  }
  // By those who hear its events, before they go.
  void shut() { line_.reset(); }
  CallLine& line() { return *line_; }
  void open_line() {
    CallLineEvents& events = *this;
    line_.emplace(net_, config_, events);
    line_->start();
  }
  double time_s() const { return to_seconds(now() - began_); }
  void say(const std::string& text, const std::string& json) const {
    std::printf("%s\n", join_.json ? json.c_str() : text.c_str());
    std::fflush(stdout);
  }
  // The end of a command whose call did not come about.
  int give_up(int code, std::string_view protocol_code, const std::string& message) const {
    if (join_.json) {
      const SessionEnd end{EndKind::failed, std::string(protocol_code), message};
      std::printf("%s\n", summary_line(time_s(), {}, end, code, {}).c_str());
    } else if (code != kOk) {
      std::fflush(stdout);
      std::fprintf(stderr, "parley: %s\n", terminal_text(message, 500).c_str());
    }
    return code;
  }
  // Until there is something to do, for a moment at most.
  void listen() {
    if (const auto note = inbox_.take(now() + kLook)) note();
  }
  bool interrupted() const { return interrupted_.load() > 0 && !in_call_.load(); }

  int talk(JoinRun& stay, const protocol::CallAccepted& accepted) {
    in_call_ = true;
    stay.go_to(accepted.room, accepted.token.value_or(""));
    const int code = stay.run();
    in_call_ = false;
    interrupted_ = 0;  // that was for the call
    return code;
  }
  void show_accepted(const protocol::CallAccepted& accepted) const {
    say("connected with " + terminal_text(accepted.peer, 64), accepted_line(time_s(), accepted));
  }

  // Events come on the network thread.
  void on_accepted(const protocol::CallAccepted& accepted) override {
    inbox_.put([this, accepted] { accepted_ = accepted; });
  }
  void on_lost(std::string_view why) override {
    inbox_.put([this, text = std::string(why)] {
      say("connection lost, trying to come back", warning_line(time_s(), text));
    });
  }
  void on_end(const SessionEnd& end) override {
    inbox_.put([this, end] { end_ = end; });
  }

  JoinCommand join_;
  CallLineConfig config_;
  const TimePoint began_ = now();
  Inbox inbox_;
  std::atomic<bool> in_call_{false};
  // The main thread's.
  std::optional<protocol::CallAccepted> accepted_;
  std::optional<SessionEnd> end_;

 private:
  // While it rings the first signal hangs up; in a call it is the call's.
  void wait_for_signal() {
    signals_.async_wait([this](const boost::system::error_code& error, int) {
      if (error) return;
      if (++interrupted_ > 1 && !in_call_) std::_Exit(kInterrupted);
      wait_for_signal();
    });
  }

  std::atomic<int> interrupted_{0};
  NetThread net_;
  boost::asio::signal_set signals_;
  std::optional<CallLine> line_;
};

class Caller final : private OnTheLine {
 public:
  explicit Caller(const CallCommand& command)
      : OnTheLine(command.join, config_of(command)), peer_(command.peer) {}
  ~Caller() override { shut(); }

  int run() {
    const auto presenter = make_presenter(join_.json);
    JoinRun stay(join_, *presenter, began_);
    if (!stay.open_audio()) return kNoAudio;
    open_line();
    line().call(peer_);
    while (!accepted_ && !outcome_ && !end_) {
      listen();
      if (!interrupted()) continue;
      line().cancel();
      line().close();
      return give_up(kOk, "cancelled", "cancelled");
    }
    if (accepted_) {
      show_accepted(*accepted_);
      line().close();
      return talk(stay, *accepted_);
    }
    if (outcome_) return give_up(exit_code_of(*outcome_), *outcome_, peer_ + ": " + in_words(*outcome_));
    return give_up(static_cast<int>(end_->kind), end_->code, end_->message);
  }

 private:
  static CallLineConfig config_of(const CallCommand& command) {
    CallLineConfig config;
    config.name = command.join.session.name;
    config.token = command.token;
    config.key = command.key;
    config.registers = false;
    return config;
  }

  void on_calling(const protocol::Calling& calling) override {
    if (!calling.outcome)
      inbox_.put([this, calling] {
        say("calling " + terminal_text(calling.to, 64) + " ...", calling_line(time_s(), calling));
      });
  }
  void on_call_ended(const protocol::CallEnded& ended) override {
    inbox_.put([this, ended] {
      if (join_.json) say({}, call_ended_line(time_s(), ended));
      outcome_ = ended.reason;
    });
  }

  const std::string peer_;
  std::optional<std::string> outcome_;
};

class Answerer final : private OnTheLine {
 public:
  explicit Answerer(const AnswerCommand& command)
      : OnTheLine(command.join, config_of(command)), automatic_(command.automatic), once_(command.once) {}
  ~Answerer() override { shut(); }

  int run() {
    open_line();
    for (;;) {
      listen();
      if (end_) return give_up(static_cast<int>(end_->kind), end_->code, end_->message);
      if (interrupted() || std::ferror(stdout) != 0) return leave();
      if (!ringing_) {
        static_cast<void>(keyboard_.line());  // typed before it rang: no answer to this call
        continue;
      }
      const auto typed = automatic_ ? std::optional<std::string>("y") : keyboard_.line();
      if (!typed) continue;
      if (*typed == "y" || *typed == "Y" || *typed == "yes") {
        if (const auto code = take_call()) return *code;
      } else if (*typed == "n" || *typed == "N" || *typed == "no") {
        line().decline(ringing_->call);
        ringing_.reset();
      }
    }
  }

 private:
  static CallLineConfig config_of(const AnswerCommand& command) {
    CallLineConfig config;
    config.name = command.join.session.name;
    config.token = command.token;
    config.key = command.key;
    return config;
  }

  // An exit code when the command is over.
  std::optional<int> take_call() {
    const auto presenter = make_presenter(join_.json);
    JoinRun stay(join_, *presenter, began_);
    if (!stay.open_audio()) {
      line().decline(ringing_->call, true);
      static_cast<void>(leave());
      return kNoAudio;
    }
    accepted_.reset();
    const auto call = ringing_->call;
    line().accept(call);
    const TimePoint until = now() + kAnswer;
    while (ringing_ && !accepted_ && !end_ && now() < until) listen();
    ringing_.reset();
    if (!accepted_) return std::nullopt;  // too late
    show_accepted(*accepted_);
    const int code = talk(stay, *accepted_);
    if (once_ || code == kNoAudio) {
      static_cast<void>(leave());
      return code;
    }
    return std::nullopt;
  }

  // Gives the name back.
  int leave() {
    line().close();
    const TimePoint until = now() + 1s;
    while (!end_ && now() < until) listen();
    return kOk;
  }

  void on_registered(const protocol::Registered& registered) override {
    inbox_.put([this, registered] {
      ringing_.reset();
      say("you can be called as " + terminal_text(registered.name, 64),
          registered_line(time_s(), registered.name));
    });
  }
  void on_missed(const protocol::CallMissed& missed) override {
    inbox_.put([this, missed] {
      const auto times = missed.count > 1 ? std::to_string(missed.count) + " missed calls" : "missed call";
      say(times + " from " + terminal_text(missed.from, 64), missed_line(time_s(), missed));
    });
  }
  void on_incoming(const protocol::CallIncoming& call) override {
    // A server that was started anew does not know that we are talking.
    if (in_call_) return line().decline(call.call, true);
    inbox_.put([this, call] {
      ringing_ = call;
      const bool asks = !automatic_ && ::isatty(STDIN_FILENO) == 1;
      say((asks ? "\a" : "") + terminal_text(call.from, 64) + " calls" +
              (asks ? ": y takes it, n declines" : ""),
          incoming_line(time_s(), call));
    });
  }
  void on_call_ended(const protocol::CallEnded& ended) override {
    inbox_.put([this, ended] {
      if (!ringing_ || ringing_->call != ended.call) return;
      ringing_.reset();
      say("the call is over: " + in_words(ended.reason), call_ended_line(time_s(), ended));
    });
  }
  void on_refused(std::string_view code, std::string_view message) override {
    inbox_.put([this, what = std::string(code), why = std::string(message)] {
      if (what == "no-such-call") ringing_.reset();
      say("refused: " + terminal_text(why), refused_line(time_s(), what, why));
    });
  }

  const bool automatic_, once_;
  Keyboard keyboard_;
  std::optional<protocol::CallIncoming> ringing_;  // the main thread's
};

}  // namespace

int run_call(const CallCommand& command) {
  std::signal(SIGPIPE, SIG_IGN);
  return Caller(command).run();
}

int run_answer(const AnswerCommand& command) {
  std::signal(SIGPIPE, SIG_IGN);
  return Answerer(command).run();
}

}  // namespace parley::client
