// `parley join`.
#include <pwd.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <boost/asio/signal_set.hpp>
#include <csignal>

#include "client/audio_loop.hpp"
#include "client/commands.hpp"
#include "client/inbox.hpp"
#include "client/join_run.hpp"
#include "client/net_thread.hpp"
#include "client/session.hpp"

namespace parley::client {

class JoinRun::Impl final : private SessionEvents {
 public:
  Impl(const JoinCommand& command, Presenter& presenter, TimePoint began)
      : command_(command), presenter_(&presenter), began_(began) {}

  bool open_audio() {
    auto sink = open_sink(command_.output);
    auto source = sink ? open_source(command_.input, command_.loop)
                       : Result<std::unique_ptr<AudioSource>>(sink.error());
    if (!source) {
      presenter_->ended(time_s(), {}, {EndKind::failed, {}, source.error().what}, kNoAudio, {});
      return false;
    }
    sink_ = std::move(*sink);
    source_ = std::move(*source);
    return true;
  }

  void go_to(const std::string& room, const std::string& token) {
    command_.session.room = room;
    command_.session.token = token;
  }

  int run() {
    SessionConfig config = command_.session;
    if (config.name.empty()) config.name = login_name();
    NetThread net;
    boost::asio::signal_set signals(net.context(), SIGINT, SIGTERM, SIGHUP);
    Session session(net, config, *this);
    session_ = &session;
    wait_for_signal(signals);
    session.start();
    loop();
    playout_.reset();
    capture_.reset();
    if (sink_) sink_->finish();
    const int code = audio_failure_ ? kNoAudio : static_cast<int>(end_->kind);
    if (audio_failure_) end_->message = audio_failure_->what;
    presenter_->ended(time_s(), session.stats(), *end_, code, {in_room_s(), input_start_, output_start_});
    return code;
  }

 private:
  double time_s() const { return to_seconds(now() - began_); }
  double in_room_s() const { return joined_at_ ? to_seconds(left_at_.value_or(now()) - *joined_at_) : 0; }

  // The first signal leaves the room, the second ends the process.
  void wait_for_signal(boost::asio::signal_set& signals) {
    signals.async_wait([this, &signals](const boost::system::error_code& error, int) {
      if (error) return;
      if (interrupted_) std::_Exit(kInterrupted);
      interrupted_ = true;
      session_->leave();
      wait_for_signal(signals);
    });
  }

  void loop() {
    TimePoint next_picture = began_, next_second = began_ + 1s;
    while (!end_) {
      if (const auto note = inbox_.take(std::min({next_picture, next_second, leave_at_}))) note();
      if (end_) break;
      if (now() >= next_picture) {
        next_picture = now() + 200ms;
        if (joined_at_) presenter_->picture(view());
      }
      if (now() >= next_second) {
        next_second += 1s;
        presenter_->second(time_s(), view());
      }
      if (now() >= leave_at_ || std::ferror(stdout) != 0) {
        leave_at_ = TimePoint::max();
        session_->leave();
      }
    }
    left_at_ = now();
  }

  View view() const {
    View view = view_;
    view.self_id = session_->participant_id();
    view.roster = session_->roster();
    view.stats = session_->stats();
    view.in_room_s = in_room_s();
    return view;
  }

  void start_playout() {
    playout_ = std::make_unique<AudioLoop>("playout", 20ms, sink_->paces(), [this](TimePoint at) {
      if (sink_->paces()) at = sink_->wait();
      std::array<float, 960> pcm;
      note(output_start_, at);
      session_->pull_audio(at, pcm);
      sink_->write(at, pcm);
      if (const auto failure = sink_->failure()) give_up(*failure);
    });
  }
  void start_capture() {
    if (!command_.session.sends || capture_) return;
    const Duration period = std::min<Duration>(command_.session.ptime, 20ms);
    capture_ = std::make_unique<AudioLoop>("capture", period, source_->paces(), [this, period](TimePoint at) {
      std::array<float, 960> pcm;
      note(input_start_, at - period);  // what is read now was said during the period before
      const auto piece = std::span(pcm).first(static_cast<std::size_t>(period / 10ms) * 480);
      source_->read(piece);
      session_->push_audio(at, piece);
      if (const auto failure = source_->failure()) give_up(*failure);
    });
  }
  // Keeps the first moment: listeners by ear need both ends on one clock (CLOCK_MONOTONIC, microseconds).
  static void note(std::atomic<std::int64_t>& first, TimePoint at) {
    if (first.load(std::memory_order_relaxed) == 0) first = at.time_since_epoch() / 1us;
  }
  void give_up(const Error& failure) {
    inbox_.put([this, failure] {
      if (audio_failure_) return;
      audio_failure_ = failure;
      presenter_->warning(time_s(), failure.what);
      session_->leave();
    });
  }

  // Events come on the network thread.
  void on_state(SessionState state) override {
    inbox_.put([this, state] {
      presenter_->state(time_s(), state);
      if (state == SessionState::live) start_capture();
    });
  }
  void on_joined(const protocol::Joined& joined) override {
    inbox_.put([this, joined] {
      joined_at_ = now();
      if (command_.duration_s)
        leave_at_ =
            *joined_at_ + std::chrono::round<Duration>(std::chrono::duration<double>(*command_.duration_s));
      view_.room = joined.room;
      view_.locked = joined.locked;
      view_.recording = joined.recording;
      view_.streaming = joined.streaming;
      presenter_->joined(time_s(), joined);
      start_playout();
    });
  }
  void on_carrier(Carrier carrier) override {
    inbox_.put([this, carrier] { presenter_->carrier(time_s(), carrier); });
  }
  void on_path(PathKind path) override {
    inbox_.put([this, path] { presenter_->path(time_s(), path); });
  }
  void on_rejoined(const protocol::Joined& joined) override {
    inbox_.put([this, joined] {
      view_.locked = joined.locked;
      view_.recording = joined.recording;
      view_.streaming = joined.streaming;
      presenter_->joined(time_s(), joined);
    });
  }
  void on_participant_joined(const protocol::Participant& who) override {
    inbox_.put([this, who] { presenter_->participant_joined(time_s(), who); });
  }
  void on_participant_updated(const protocol::Participant& who) override {
    inbox_.put([this, who] { presenter_->participant_updated(time_s(), who); });
  }
  void on_participant_left(const protocol::Participant& who, std::string_view reason) override {
    inbox_.put([this, who, why = std::string(reason)] { presenter_->participant_left(time_s(), who, why); });
  }
  void on_talking(const protocol::Participant& who) override {
    inbox_.put([this, who] { presenter_->talking(time_s(), who); });
  }
  void on_chat(std::string_view participant, std::string_view name, std::string_view text) override {
    inbox_.put([this, id = std::string(participant), who = std::string(name), said = std::string(text)] {
      presenter_->chat(time_s(), id, who, said);
    });
  }
  void on_recording_trouble(std::string_view state, std::string_view cause) override {
    inbox_.put([this, text = "recording: " + std::string(state) + (cause.empty() ? "" : ": ") +
                             std::string(cause)] { presenter_->warning(time_s(), text); });
  }
  void on_playback(const protocol::Playback& sound) override {
    inbox_.put([this, sound] { presenter_->playback(time_s(), sound); });
  }
  void on_stream(const protocol::StreamChanged& stream) override {
    inbox_.put([this, stream] { presenter_->stream(time_s(), stream); });
  }
  void on_room(const protocol::RoomUpdated& room) override {
    inbox_.put([this, room] {
      view_.locked = room.locked;
      view_.recording = room.recording;
      view_.streaming = room.streaming;
      presenter_->room(time_s(), room);
    });
  }
  void on_refused(std::string_view code, std::string_view message) override {
    inbox_.put([this, what = std::string(code), why = std::string(message)] {
      presenter_->refused(time_s(), what, why);
    });
  }
  void on_end(const SessionEnd& end) override {
    inbox_.put([this, end] { end_ = end; });
  }

  JoinCommand command_;
  Presenter* const presenter_;
  const TimePoint began_;
  Inbox inbox_;
  std::unique_ptr<AudioSource> source_;
  std::unique_ptr<AudioSink> sink_;
  Session* session_ = nullptr;
  std::unique_ptr<AudioLoop> capture_, playout_;
  std::atomic<std::int64_t> input_start_{0}, output_start_{0};
  bool interrupted_ = false;  // the network thread's
  // The main thread's.
  View view_;
  std::optional<Error> audio_failure_;  // of a device or a file, in the middle of the call
  std::optional<TimePoint> joined_at_, left_at_;
  TimePoint leave_at_ = TimePoint::max();  // --duration
  std::optional<SessionEnd> end_;
};

JoinRun::JoinRun(const JoinCommand& command, Presenter& presenter, TimePoint began)
    : impl_(std::make_unique<Impl>(command, presenter, began)) {}
JoinRun::~JoinRun() = default;
bool JoinRun::open_audio() {
  return impl_->open_audio();
}
void JoinRun::go_to(const std::string& room, const std::string& token) {
  impl_->go_to(room, token);
}
int JoinRun::run() {
  return impl_->run();
}

std::string login_name() {
  const passwd* user = ::getpwuid(::getuid());
  return user != nullptr && user->pw_name[0] != '\0' ? user->pw_name : "guest";
}

std::unique_ptr<Presenter> make_presenter(bool json) {
  return json ? make_json_presenter(stdout) : make_text_presenter(stdout, Screen::is_terminal(stdout));
}

int run_join(const JoinCommand& command) {
  std::signal(SIGPIPE, SIG_IGN);  // a closed pipe at our output ends the call in order
  const auto presenter = make_presenter(command.json);
  JoinRun stay(command, *presenter, now());
  return stay.open_audio() ? stay.run() : kNoAudio;
}

}  // namespace parley::client
