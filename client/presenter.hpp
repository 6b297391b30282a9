// How a call is shown: as JSON lines, as a live picture on a terminal, or as plain lines.
//
// Threads: one owner (the main thread of `parley join`).
#pragma once

#include <memory>
#include <string_view>

#include "client/session_types.hpp"
#include "client/terminal_view.hpp"

namespace parley::client {

class Presenter {
 public:
  using Participant = protocol::Participant;

  virtual ~Presenter() = default;
  // `time_s`: seconds since the command began.
  virtual void state(double time_s, SessionState state) = 0;
  virtual void path(double time_s, PathKind path) = 0;
  virtual void carrier(double time_s, Carrier carrier) = 0;
  virtual void quality(double time_s, const PathQuality& quality) = 0;
  virtual void quality_alarm(double time_s, const protocol::QualityAlarm& alarm) = 0;
  virtual void joined(double time_s, const protocol::Joined& joined) = 0;
  virtual void participant_joined(double time_s, const Participant& participant) = 0;
  virtual void participant_updated(double time_s, const Participant& participant) = 0;
  virtual void participant_left(double time_s, const Participant& participant, std::string_view reason) = 0;
  virtual void talking(double time_s, const Participant& participant) = 0;
  virtual void chat(double time_s, std::string_view participant, std::string_view name,
                    std::string_view text) = 0;
  virtual void playback(double time_s, const protocol::Playback& sound) = 0;
  virtual void stream(double time_s, const protocol::StreamChanged& stream) = 0;
  virtual void room(double time_s, const protocol::RoomUpdated& room) = 0;
  virtual void refused(double time_s, std::string_view code, std::string_view message) = 0;
  virtual void warning(double time_s, std::string_view message) = 0;
  // Five times a second, and once a second.
  virtual void picture(const View& view) = 0;
  virtual void second(double time_s, const View& view) = 0;
  // The last call. No session: `stats` is empty.
  virtual void ended(double time_s, const SessionStats& stats, const SessionEnd& end, int exit_code,
                     const Stay& stay) = 0;
};

std::unique_ptr<Presenter> make_json_presenter(std::FILE* out);
// `live`: draw over the last picture.
std::unique_ptr<Presenter> make_text_presenter(std::FILE* out, bool live);

}  // namespace parley::client
