// The sound card's output from mono float at 48 kHz. It paces its writer: write() returns when the device has
// room for what was given.
//
// Threads: one owner (the playout thread).
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>

#include "transport/base/result.hpp"
#include "transport/base/time.hpp"

namespace parley::device {

class Speaker {
 public:
  // A device that takes nothing for this long is taken for dead: the frame is dropped.
  static constexpr Duration kMaxWait = 500ms;

  // `sink`: a GStreamer sink element with its properties. Fails when there is no device, or it is taken.
  static Result<std::unique_ptr<Speaker>> open(const std::string& sink = "autoaudiosink");
  ~Speaker();
  Speaker(const Speaker&) = delete;
  Speaker& operator=(const Speaker&) = delete;

  // False: the device took nothing in time.
  bool write(std::span<const float> pcm);
  std::optional<Error> failure();

 private:
  class Impl;
  explicit Speaker(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace parley::device
