// Calls a step for every piece of audio: by the clock, or, when the step itself waits for a sound device, as
// fast as the device allows. One thread of its own, named.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "client/pacer.hpp"
#include "transport/base/time.hpp"

namespace parley::client {

class AudioLoop {
 public:
  AudioLoop(const std::string& name, Duration period, bool device_paced,
            std::function<void(TimePoint at)> step);
  // Returns when the step does not run any more.
  ~AudioLoop();
  AudioLoop(const AudioLoop&) = delete;
  AudioLoop& operator=(const AudioLoop&) = delete;

 private:
  std::unique_ptr<Pacer> pacer_;  // by the clock
  std::atomic<bool> stop_{false};
  std::thread thread_;  // by the device
};

}  // namespace parley::client
