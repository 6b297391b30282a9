#include "pipelines/streams/helpers.hpp"

#include <system_error>
#include <thread>
#include <utility>

#include "transport/base/log.hpp"
#include "transport/base/thread_name.hpp"

namespace parley::streams {

Helpers::~Helpers() {
  std::unique_lock lock(shared_->lock);
  if (!shared_->fewer.wait_for(lock, kFarewell, [this] { return shared_->running == 0; }))
    log::warn("{} jobs of {} have not ended in time", shared_->running, thread_name_);
}

bool Helpers::run(std::function<void()> job) {
  {
    const std::lock_guard lock(shared_->lock);
    if (shared_->running >= kMost) return false;
    ++shared_->running;
  }
  auto body = [shared = shared_, name = thread_name_, job = std::move(job)]() mutable {
    name_this_thread(name);
    job();
    job = nullptr;  // what it owns goes before it counts as done
    const std::lock_guard lock(shared->lock);
    --shared->running;
    shared->fewer.notify_all();
  };
  try {
    std::thread(std::move(body)).detach();
  } catch (const std::system_error& error) {
    log::error("no thread for {}: {}", thread_name_, error.what());
    const std::lock_guard lock(shared_->lock);
    --shared_->running;
    return false;
  }
  return true;
}

}  // namespace parley::streams
