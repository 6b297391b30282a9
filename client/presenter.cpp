#include "client/presenter.hpp"

#include <cmath>

#include "client/report.hpp"
#include "client/text.hpp"

namespace parley::client {

namespace {

class JsonPresenter final : public Presenter {
 public:
  explicit JsonPresenter(std::FILE* out) : out_(out) {}

  void state(double at, SessionState state) override { print(state_line(at, state)); }
  void path(double at, PathKind path) override { print(path_line(at, path)); }
  void carrier(double at, Carrier carrier) override { print(carrier_line(at, carrier)); }
  void joined(double at, const protocol::Joined& joined) override { print(joined_line(at, joined)); }
  void participant_joined(double at, const Participant& who) override {
    print(participant_line(at, "participant-joined", who));
  }
  void participant_updated(double at, const Participant& who) override {
    print(participant_line(at, "participant-updated", who));
  }
  void participant_left(double at, const Participant& who, std::string_view reason) override {
    print(left_line(at, who, reason));
  }
  void talking(double at, const Participant& who) override { print(talking_line(at, who)); }
  void chat(double at, std::string_view participant, std::string_view name, std::string_view text) override {
    print(chat_line(at, participant, name, text));
  }
  void playback(double at, const protocol::Playback& sound) override { print(playback_line(at, sound)); }
  void stream(double at, const protocol::StreamChanged& stream) override { print(stream_line(at, stream)); }
  void room(double at, const protocol::RoomUpdated& room) override { print(room_line(at, room)); }
  void refused(double at, std::string_view code, std::string_view message) override {
    print(refused_line(at, code, message));
  }
  void warning(double at, std::string_view message) override { print(warning_line(at, message)); }
  void picture(const View&) override {}
  void second(double at, const View& view) override { print(stats_line(at, view.stats)); }
  void ended(double at, const SessionStats& stats, const SessionEnd& end, int exit_code,
             const Stay& stay) override {
    print(summary_line(at, stats, end, exit_code, stay));
  }

 private:
  void print(const std::string& line) {
    std::fprintf(out_, "%s\n", line.c_str());
    std::fflush(out_);
  }
  std::FILE* out_;
};

class TextPresenter final : public Presenter {
 public:
  TextPresenter(std::FILE* out, bool live) : out_(out), screen_(out), live_(live) {}

  void state(double, SessionState state) override {
    if (state == SessionState::connecting || state == SessionState::live) say(to_string(state));
    if (state == SessionState::reconnecting) say("connection lost, trying to come back");
  }
  void carrier(double, Carrier carrier) override {
    say(carrier == Carrier::websocket ? "UDP does not get through: the call goes over the WebSocket"
                                      : "UDP works: the call has left the WebSocket");
  }
  void path(double, PathKind path) override {
    say(path == PathKind::direct ? "you talk to each other directly now"
                                 : "you talk through the server again");
  }
  void joined(double, const protocol::Joined& joined) override {
    say("joined room " + terminal_text(joined.room) + ", " + std::to_string(joined.roster.size()) +
        (joined.roster.size() == 1 ? " participant" : " participants"));
    if (live_) return;
    for (const auto& participant : joined.roster) say("  " + name(participant));
  }
  void participant_joined(double, const Participant& who) override { say(name(who) + " joined"); }
  void participant_updated(double, const Participant&) override {}
  void participant_left(double, const Participant& who, std::string_view reason) override {
    say(name(who) + " left (" + terminal_text(reason) + ")");
  }
  void talking(double, const Participant& who) override {
    if (!live_ && who.talking) say(name(who) + " talks");
  }
  void chat(double, std::string_view, std::string_view who, std::string_view text) override {
    say(terminal_text(who, 40) + ": " + terminal_text(text, 500));
  }
  void playback(double, const protocol::Playback& sound) override {
    if (sound.position_s > 0 && sound.state == "playing") return;
    say(terminal_text(sound.title, 80) + " (" + terminal_text(sound.state, 20) + ")");
  }
  void stream(double, const protocol::StreamChanged& stream) override {
    say("stream to " + terminal_text(stream.url, 200) + ": " + terminal_text(stream.state, 20) +
        (stream.cause ? " (" + terminal_text(*stream.cause, 200) + ")" : ""));
  }
  void room(double, const protocol::RoomUpdated& room) override {
    say(std::string("the room is ") + (room.locked ? "locked" : "open") +
        (room.recording ? ", and being recorded" : "") + (room.streaming ? ", and streamed to others" : ""));
  }
  void refused(double, std::string_view, std::string_view message) override {
    say("refused: " + terminal_text(message));
  }
  void warning(double, std::string_view message) override { say("warning: " + terminal_text(message)); }
  void picture(const View& view) override {
    if (!live_) return;
    const auto size = terminal_size(out_);
    screen_.draw(render(view, size.columns, size.rows));
  }
  void second(double, const View& view) override {
    if (live_ || view.in_room_s < 1 || std::lrint(view.in_room_s) % 5 != 0) return;
    say(render(view, 160, 5).back());
  }
  void ended(double, const SessionStats& stats, const SessionEnd& end, int exit_code,
             const Stay& stay) override {
    if (live_) screen_.draw({});
    if (exit_code == 0) {
      char text[160];
      std::snprintf(text, sizeof text, "left after %.0f s: %llu packets sent, %llu received, %llu lost",
                    stay.in_room_s, static_cast<unsigned long long>(stats.packets_sent),
                    static_cast<unsigned long long>(stats.packets_received),
                    static_cast<unsigned long long>(stats.lost_in));
      say(text);
      return;
    }
    std::fflush(out_);
    std::fprintf(stderr, "parley: %s%s%s%s\n", terminal_text(end.message, 500).c_str(),
                 end.code.empty() ? "" : " (", terminal_text(end.code, 40).c_str(),
                 end.code.empty() ? "" : ")");
  }

 private:
  static std::string name(const Participant& who) {
    return terminal_text(who.name.empty() ? who.id : who.name, 40);
  }
  void say(const std::string& line) { screen_.say(line); }

  std::FILE* out_;
  Screen screen_;
  bool live_;
};

}  // namespace

std::unique_ptr<Presenter> make_json_presenter(std::FILE* out) {
  return std::make_unique<JsonPresenter>(out);
}
std::unique_ptr<Presenter> make_text_presenter(std::FILE* out, bool live) {
  return std::make_unique<TextPresenter>(out, live);
}

}  // namespace parley::client
