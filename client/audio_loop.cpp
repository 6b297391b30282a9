#include "client/audio_loop.hpp"

#include "transport/base/thread_name.hpp"

namespace parley::client {

AudioLoop::AudioLoop(const std::string& name, Duration period, bool device_paced,
                     std::function<void(TimePoint at)> step) {
  if (!device_paced) {
    pacer_ = std::make_unique<Pacer>(name, period);
    pacer_->add(std::move(step));
    return;
  }
  thread_ = std::thread([this, name, step = std::move(step)] {
    name_this_thread(name);
    while (!stop_.load(std::memory_order_relaxed)) step(now());
  });
}

AudioLoop::~AudioLoop() {
  stop_.store(true, std::memory_order_relaxed);
  if (thread_.joinable()) thread_.join();
}

}  // namespace parley::client
