// What the operator should know about the disk that recordings are written to: its troubles as they are now,
// and news of them for the moderators of the rooms concerned.
//
// Threads: ctl.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "mcu/recording/recorder.hpp"

namespace parley::app {

class RecordingHealth {
 public:
  // `state`: "refused", "stalled", "low", "resumed"; `cause` may be empty.
  using Tell =
      std::function<void(const std::string& recording, const std::string& state, const std::string& cause)>;
  explicit RecordingHealth(Tell tell) : tell_(std::move(tell)) {}

  // The disk refuses what this recording writes; an empty cause: it takes it again.
  void refused(const std::string& recording, const std::string& cause);
  void ended(const std::string& recording) { refused_.erase(recording); }
  // A few times a second, with the recordings that are being made.
  void look(const recording::RecorderStats& stats, const std::vector<std::string>& recordings);
  // The index cannot be opened; an empty cause: it can.
  void index(const std::string& cause) { index_ = cause; }

  // One line each, for GET /healthz; empty: all is well.
  std::vector<std::string> lines() const;

 private:
  Tell tell_;
  std::map<std::string, std::string> refused_;  // by recording: why
  std::string index_;
  std::uint64_t waiting_ms_ = 0;
  bool stalled_ = false, low_ = false;
};

}  // namespace parley::app
