// The sound card's input as mono float at 48 kHz. It paces its reader: read() returns when the device has
// delivered.
//
// Threads: one owner (the capture thread).
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>

#include "transport/base/result.hpp"
#include "transport/base/time.hpp"

namespace parley::device {

class Microphone {
 public:
  // A device that delivers nothing for this long is taken for dead: the frame is silence.
  static constexpr Duration kMaxWait = 500ms;

  // `source`: a GStreamer source element with its properties. Fails when there is no device, or it is taken.
  static Result<std::unique_ptr<Microphone>> open(const std::string& source = "autoaudiosrc");
  ~Microphone();
  Microphone(const Microphone&) = delete;
  Microphone& operator=(const Microphone&) = delete;

  // All of `out` is written. False: the device gave nothing in time (silence was written).
  bool read(std::span<float> out);
  // What went wrong with the device since the last call (unplugged, say).
  std::optional<Error> failure();

 private:
  class Impl;
  explicit Microphone(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace parley::device
