// The sound card's output from mono float at 48 kHz, in pieces of 20 ms. It paces its writer: wait(), then
// write().
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
  // A device in front of which this much has piled up takes nothing any more: what is written then is
  // dropped.
  static constexpr Duration kMaxQueued = 500ms;

  // `sink`: a GStreamer sink element with its properties. Fails when there is no device, or it is taken.
  static Result<std::unique_ptr<Speaker>> open(const std::string& sink = "autoaudiosink");
  ~Speaker();
  Speaker(const Speaker&) = delete;
  Speaker& operator=(const Speaker&) = delete;

  // Returns when the next piece is due (playout_clock.hpp), with that time.
  TimePoint wait();
  // False: dropped.
  bool write(std::span<const float> pcm);
  std::optional<Error> failure();

 private:
  class Impl;
  explicit Speaker(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace parley::device
