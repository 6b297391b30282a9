// A stay in a room from beginning to end: a session with its audio, its display and its signals. It is what
// `parley join` does, and `parley call` and `parley answer` once somebody has answered.
//
// Threads: one owner (the main thread).
#pragma once

#include <memory>
#include <string>

#include "client/cli.hpp"
#include "client/presenter.hpp"
#include "transport/base/time.hpp"

namespace parley::client {

class JoinRun {
 public:
  // `began`: when the command did, from which its lines are timed.
  JoinRun(const JoinCommand& command, Presenter& presenter, TimePoint began);
  ~JoinRun();
  JoinRun(const JoinRun&) = delete;
  JoinRun& operator=(const JoinRun&) = delete;

  // Takes the sound devices and files. False: the presenter has been told why; the exit code is kNoAudio.
  bool open_audio();
  // In place of the room and token of the command.
  void go_to(const std::string& room, const std::string& token);
  // Until the stay is over. Returns the exit code.
  int run();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

std::string login_name();
std::unique_ptr<Presenter> make_presenter(bool json);  // on standard output

}  // namespace parley::client
